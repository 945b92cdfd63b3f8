import assert from "node:assert/strict";
import type { Node, NodeAPI, NodeDef } from "node-red";
import { node, pool, probe, RunningFlow, surrounded, tab, type Msg } from "./flow";
import type { NodeModule } from "../node-red";

/** Sets what the specs look for in the context stores. */
const contextSetter: NodeModule = (api) => {
  const RED = api as NodeAPI;
  RED.nodes.registerType("context-setter", function (this: Node, config: NodeDef) {
    RED.nodes.createNode(this, config);
    this.context().flow.set("wanted.device", "b");
    this.context().global.set("wanted", "b");
  });
};

describe("a typed input", () => {
  let flow: RunningFlow;
  const devices = [{ name: "a" }, { name: "b" }];

  beforeEach(() => {
    process.env["SMP_SPEC_DEVICE"] = "b";
    process.env["SMP_SPEC_ATTEMPTS"] = "5";
  });
  afterEach(async () => {
    delete process.env["SMP_SPEC_DEVICE"];
    delete process.env["SMP_SPEC_ATTEMPTS"];
    await flow.end();
  });

  async function connectTo(device: string, deviceType: string, msg: Msg = {}, at = "result"): Promise<Msg> {
    flow = await RunningFlow.load(
      [
        tab,
        pool({ devices, attempts: "${SMP_SPEC_ATTEMPTS}" }),
        { id: "setter", type: "context-setter", z: "tab", x: 1, y: 1, wires: [] },
        ...surrounded("connect", "smp-connect", { pool: "pool", device, deviceType }),
      ],
      contextSetter,
    );
    return flow.ask("connect", msg, `connect ${at}`);
  }

  const ways: { type: string; value: string; msg?: Msg }[] = [
    { type: "str", value: "b" },
    { type: "str", value: "${SMP_SPEC_DEVICE}" },
    { type: "env", value: "SMP_SPEC_DEVICE" },
    { type: "msg", value: "order.device", msg: { order: { device: "b" } } },
    { type: "flow", value: "wanted.device" },
    { type: "global", value: "wanted" },
    { type: "jsonata", value: "devices[name='second'].address", msg: { devices: [{ name: "second", address: "b" }] } },
    { type: "jsonata", value: "$env('SMP_SPEC_DEVICE')" },
    { type: "jsonata", value: "$globalContext('wanted')" },
  ];
  for (const { type, value, msg } of ways) {
    it(`of type ${type} may be ${value}`, async () => {
      const { smp, payload } = await connectTo(value, type, msg);
      assert.deepEqual([smp.device, payload.device], ["b", "b"]);
    });
  }

  const nothing: { type: string; value: string; message: RegExp }[] = [
    { type: "str", value: "", message: /^device must be .*, got nothing$/ },
    { type: "msg", value: "order.device", message: /got nothing \(msg\.order\.device\)/ },
    { type: "env", value: "SMP_NOT_SET", message: /got nothing \(the environment variable SMP_NOT_SET\)/ },
    { type: "flow", value: "nowhere", message: /got nothing \(flow\.nowhere\)/ },
    { type: "jsonata", value: "nowhere", message: /got nothing \(its JSONata expression\)/ },
    { type: "jsonata", value: "(((", message: /^device cannot be read from its JSONata expression: / },
    { type: "jsonata", value: "$error('no idea')", message: /^device cannot be read .*: no idea/ },
  ];
  for (const { type, value, message } of nothing) {
    it(`of type ${type} that gives nothing for ${value || "an empty field"} is explained`, async () => {
      const { error, smp } = await connectTo(value, type, {}, "error");
      assert.match(error.message, message);
      assert.equal(smp.error.phase, "connect");
    });
  }

  it("for an image number may be text in a message, as an edit field gives it", async () => {
    flow = await RunningFlow.load([
      tab,
      pool(),
      ...surrounded("upload", "smp-upload", {
        firmware: "$lookup({'new': 'sample:1.5.0'}, wanted)",
        firmwareType: "jsonata",
        image: "image",
        imageType: "msg",
      }),
    ]);
    const msg = await flow.ask("upload", { smp: { pool: "pool", device: "sensor-1" }, wanted: "new", image: "0" });
    assert.equal(msg.smp.firmware.image, 0);
  });

  it("for a hash may give a Buffer or capitals", async () => {
    flow = await RunningFlow.load([
      tab,
      pool(),
      ...surrounded("upload", "smp-upload", { firmware: "sample:1.5.0", firmwareType: "str" }),
      ...surrounded("test", "smp-test", { hash: "hash", hashType: "msg" }),
    ]);
    const { smp } = await flow.ask("upload", { smp: { pool: "pool", device: "sensor-1" } });
    const hash: string = smp.firmware.hash;
    for (const given of [Buffer.from(hash, "hex"), hash.toUpperCase()]) {
      const { payload } = await flow.ask("test", { smp, hash: given });
      assert.ok(payload[1].pending);
    }
  });
});

describe("a node in a subflow", () => {
  it("takes the subflow's environment, sends out of it, and its errors come to Catch nodes outside", async () => {
    const inside = { pool: "pool", device: "${DEVICE}", deviceType: "str" };
    const flow = await RunningFlow.load([
      tab,
      pool({ devices: [{ name: "a" }, { name: "b" }] }),
      {
        id: "sub",
        type: "subflow",
        name: "Sub",
        in: [{ x: 1, y: 1, wires: [{ id: "connect" }] }],
        out: [{ x: 9, y: 1, wires: [{ id: "connect", port: 0 }] }],
        env: [{ name: "DEVICE", type: "str", value: "a" }],
      },
      { ...node("connect", "smp-connect", inside), z: "sub" },
      node("first", "subflow:sub", {}, [["out"]]),
      node("second", "subflow:sub", { env: [{ name: "DEVICE", type: "str", value: "b" }] }, [["out"]]),
      node("third", "subflow:sub", { env: [{ name: "DEVICE", type: "str", value: "c" }] }, [["out"]]),
      probe("out"),
      node("catch", "catch", { scope: null }, [["caught"]]),
      probe("caught"),
    ]);
    assert.equal((await flow.ask("first", {}, "out")).smp.device, "a");
    assert.equal((await flow.ask("second", {}, "out")).smp.device, "b");
    assert.equal((await flow.ask("third", {}, "caught")).error.code, "SMP_UNKNOWN_DEVICE");
    await flow.end();
  });
});

describe("msg.smp", () => {
  let flow: RunningFlow;
  afterEach(() => flow.end());

  it("keeps what is known of a device when it is connected again, and drops what is known of another", async () => {
    flow = await RunningFlow.load([
      tab,
      pool({ devices: [{ name: "a" }, { name: "b" }] }),
      ...surrounded("connect", "smp-connect", { pool: "pool", device: "device", deviceType: "msg" }),
    ]);
    const first = await flow.ask("connect", { device: "a" });
    const smp = { ...first.smp, verdict: "testing" };
    assert.equal((await flow.ask("connect", { device: "a", smp })).smp.verdict, "testing");
    assert.deepEqual((await flow.ask("connect", { device: "b", smp })).smp, {
      pool: "pool",
      device: "b",
      link: "virtual",
    });
  });

  it("may have gone through JSON, a delay or a clone", async () => {
    flow = await RunningFlow.load([
      tab,
      pool(),
      ...surrounded("connect", "smp-connect", { pool: "pool", device: "sensor-1", deviceType: "str" }),
      ...surrounded("state", "smp-image-state", { firmwareType: "none" }),
    ]);
    const connected = await flow.ask("connect", {});
    const msg = await flow.ask("state", JSON.parse(JSON.stringify(connected)) as Msg);
    assert.equal(msg["payload"][0].version, "1.0.0");
  });
});
