import assert from "node:assert/strict";
import { readPoolSettings, type PoolConfig } from "../../nodes/runtime/pool-settings";
import { Editor, POOL, poolOptions, template } from "./node-files";

const CHOICES = ["link", "profile", "mode", "pace", "protocol", "trace"];
const NUMBERS = ["slotKiB", "bufSize", "bufCount", "maxSessions", "idleCloseS", "maxWaiting", "attempts"];
const LINK_NUMBERS = [
  ["udp", "udpPort"],
  ["udp", "maxDatagram"],
  ["serial", "baudRate"],
  ["serial", "lineDelayMs"],
  ["flow", "flowMaxMessage"],
  ["flow", "flowPerMinute"],
  ["flow", "flowInFlight"],
  ["flow", "flowRoundTripS"],
  ["ble", "bleAdapter"],
  ["ble", "bleScanS"],
] as const;
const LINK_CHOICES = [
  ["serial", "flowControl"],
  ["serial", "framing"],
  ["ble", "bleDriver"],
  ["ble", "bleChannel"],
] as const;

/** On both sides of every limit. */
const PROBES = [
  "-1,0,1,2,15,16,17,20,21,49,50,63,64,65,127,128,300,301,1000,1001,3600,3601,10000,10001,1472,1473,16384,16385,60000,60001,65535,65536,86400,86401,1048576,1048577,20000000,20000001".split(
    ",",
  ),
  ["1.5", "many", "NaN", " 16 ", 1, 16, 128],
].flat();

describe("the pool's form and the runtime", () => {
  const editor = new Editor();

  const runtimeTakes = (settings: Record<string, unknown>): boolean => {
    try {
      readPoolSettings({ ...editor.add(POOL), ...settings } as unknown as PoolConfig);
      return true;
    } catch {
      return false;
    }
  };
  const editorTakes = (property: string, value: unknown): boolean =>
    editor.validate(editor.add(POOL, { [property]: value }), property) === true;

  it("have the same defaults", () => {
    const absent = readPoolSettings({ type: POOL, id: "p", name: "" } as PoolConfig);
    assert.deepEqual(readPoolSettings(editor.add(POOL) as unknown as PoolConfig), absent);
  });

  for (const property of NUMBERS) {
    it(`take the same numbers for ${property}`, () => {
      for (const value of PROBES) {
        assert.equal(editorTakes(property, value), runtimeTakes({ [property]: value }), `${property} ${value}`);
      }
    });
  }

  for (const property of CHOICES) {
    it(`take the same choices for ${property}`, () => {
      for (const value of [...poolOptions(property), "other"]) {
        assert.equal(editorTakes(property, value), runtimeTakes({ [property]: value }), `${property} ${value}`);
      }
    });
  }

  for (const [link, property] of LINK_CHOICES) {
    it(`take the same choices for ${property}`, () => {
      for (const value of [...poolOptions(property), "other"]) {
        const settings = { link, [property]: value };
        const inEditor = editor.validate(editor.add(POOL, settings), property) === true;
        assert.equal(inEditor, runtimeTakes(settings), `${property} ${value}`);
      }
    });
  }

  it("take no flow control whose characters the framing may hold", () => {
    const settings = { link: "serial", framing: "raw", flowControl: "xonxoff" };
    assert.equal(runtimeTakes(settings), false);
    assert.match(String(editor.validate(editor.add(POOL, settings), "flowControl")), /^Flow control: /);
  });

  for (const [link, property] of LINK_NUMBERS) {
    it(`take the same numbers for ${property}`, () => {
      for (const value of PROBES) {
        const settings = { link, [property]: value };
        const inEditor = editor.validate(editor.add(POOL, settings), property) === true;
        assert.equal(inEditor, runtimeTakes(settings), `${property} ${value}`);
      }
    });
  }

  it("refuse texts that are none, as a flow file may hold them", () => {
    for (const value of [{ toString: 1 }, [{ toString: 1 }], 7]) {
      assert.equal(runtimeTakes({ factoryFirmware: value }), false);
      assert.equal(runtimeTakes({ link: "ble", bleAdapter: value }), value === 7);
    }
    assert.ok(runtimeTakes({ factoryFirmware: "  " }));
  });

  it("take the same settings of a trace, when there is one", () => {
    for (const [property, values] of [
      ["traceMiB", PROBES],
      ["traceFrames", [...poolOptions("traceFrames"), "other"]],
    ] as const) {
      for (const value of values) {
        const settings = { trace: "file", [property]: value };
        const inEditor = editor.validate(editor.add(POOL, settings), property) === true;
        assert.equal(inEditor, runtimeTakes(settings), `${property} ${value}`);
        assert.ok(runtimeTakes({ [property]: value }), "else it does not count");
      }
    }
  });

  it("leave alone what belongs to links that are not chosen", () => {
    const bad = { devices: [], profile: "x", mode: "x", slotKiB: 1, bufSize: 1, bufCount: 0, pace: "x" };
    const udp = { link: "udp", ...bad };
    assert.ok(runtimeTakes(udp));
    for (const property of Object.keys(bad)) {
      assert.equal(editor.validate(editor.add(POOL, udp), property), true, property);
      assert.notEqual(editor.validate(editor.add(POOL, bad), property), true, property);
    }
    const virtual = { udpPort: 0, maxDatagram: 0, baudRate: 0, lineDelayMs: -1, flowControl: "x", framing: "x" };
    assert.ok(runtimeTakes(virtual));
    for (const property of Object.keys(virtual)) {
      assert.equal(editor.validate(editor.add(POOL, virtual), property), true, property);
    }
  });

  it("take the same devices", () => {
    const select = /<select class="smp-pool-device-trial"[^>]*>([\S\s]*?)<\/select>/.exec(template(POOL))![1]!;
    const trials = [...select.matchAll(/<option value="([^"]*)"/g)].map((match) => match[1]!);
    assert.ok(runtimeTakes({ devices: trials.map((trial) => ({ name: `with ${trial}`, trial })) }));
    for (const devices of [[{ name: "a" }], [{ name: "" }], [{ name: "a" }, { name: "a" }], "a", [{}], [null]]) {
      assert.equal(editorTakes("devices", devices), runtimeTakes({ devices }), JSON.stringify(devices));
    }
  });
});
