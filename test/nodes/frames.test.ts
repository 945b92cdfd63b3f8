import assert from "node:assert/strict";
import type { Node, NodeAPI, NodeDef } from "node-red";
import { decodePayload, encodePayload, failureEnvelope, VirtualDevice } from "../../src/index";
import { presenceEnvelope } from "../../src/framing/envelope";
import type { PayloadForm } from "../../src/index";
import { FarDevices } from "../far-device";
import type { FlowNode, NodeModule } from "../node-red";
import { imageBytes } from "../images";
import { node, pool, probe, RunningFlow, surrounded, tab, watchers, type Msg } from "./flow";
import { stateOf } from "./device";

const STEPS = ["state", "upload", "test", "reset", "confirm"];
const FIRMWARE = { firmware: "firmware", firmwareType: "msg", image: "0", imageType: "num" };
const HASH = { hash: "smp.firmware.hash", hashType: "msg" };
const DEVICE = { pool: "pool", device: "topic", deviceType: "msg" };

/** What a way in between does with a message; `back` gives it on. */
type Way = (msg: Msg, back: (msg: Msg) => void) => void;

describe("devices behind a flow", () => {
  let flow: RunningFlow;
  let devices: Map<string, VirtualDevice>;
  beforeEach(() => {
    const slot0 = imageBytes("hash-only-1.0.0.bin");
    const build = (name: string): VirtualDevice =>
      new VirtualDevice({ name, slot0, slotBytes: 128 * 1024, pace: "instant" });
    devices = new Map(["sensor-1", "sensor-2"].map((name) => [name, build(name)]));
  });
  afterEach(async () => {
    devices.forEach((device) => device.close());
    await flow.end();
  });

  /** A node that answers the messages of smp-frames-out for the devices, in the same form. */
  function farNode(form: PayloadForm): Way {
    let give: (msg: Msg) => void = () => {};
    const far = new FarDevices(devices, (device, id, frame) => {
      const smp = form === "envelope" ? {} : { smp: { device, id } };
      give({ topic: "somewhere", payload: encodePayload(form, { device, id, frame }), ...smp });
    });
    return (msg, back) => {
      give = back;
      const envelope = decodePayload(msg["payload"], form);
      assert.ok(envelope.kind === "frames");
      far.play(msg.smp.device, msg.smp.id, envelope.frames[0]!);
    };
  }

  const flowNodes = (settings: object, form: string): FlowNode[] => [
    tab,
    pool({ link: "flow", ...settings }),
    node("out", "smp-frames-out", { pool: "pool", form }, [["way", "out frame"]]),
    probe("out frame"),
    node("way", "way", {}, [["in"]]),
    node("in", "smp-frames-in", { pool: "pool" }, [["in error"]]),
    probe("in error"),
    ...surrounded("connect", "smp-connect", DEVICE),
    ...surrounded("state", "smp-image-state", FIRMWARE),
    ...surrounded("upload", "smp-upload", FIRMWARE),
    ...surrounded("test", "smp-test", HASH),
    ...surrounded("reset", "smp-reset", { waitS: "30" }),
    ...surrounded("confirm", "smp-confirm", HASH),
    ...surrounded("find", "smp-discover", { pool: "pool" }),
    ...watchers("out", "in"),
  ];
  const load = async (
    way: Way,
    settings: object = {},
    form = "buffer",
    change = (all: FlowNode[]) => all,
  ): Promise<void> => {
    flow = await RunningFlow.load(change(flowNodes(settings, form)), wayModule(way));
  };

  for (const form of ["buffer", "base64", "hex", "envelope"] as const) {
    it(`are updated from connect to confirm, with ${form} payloads`, async () => {
      await load(farNode(form), { flowMaxMessage: "1024" }, form);
      let msg: Msg = await flow.ask("connect", { topic: "sensor-1", firmware: "sample:1.5.0" });
      assert.equal(msg["payload"].link, "flow");
      for (const step of STEPS) msg = await flow.ask(step, msg);
      assert.equal(msg.smp.verdict, "confirmed");
      assert.equal(stateOf(devices.get("sensor-1")!), "1.5.0 active confirmed, 1.0.0");
      const sizes = flow.all("out frame").map(({ payload }) => sizeOf(payload));
      assert.ok(Math.max(...sizes) <= 1024 && Math.max(...sizes) > 1000, `largest message ${Math.max(...sizes)}`);
      assert.equal(flow.all("in error").length, 0);
      assert.match(flow.texts("out").at(-1)!, /^\d+ out$/);
      assert.match(flow.texts("in").at(-1)!, /^\d+ in$/);
    });
  }

  it("get one message for each frame, which says all about it", async () => {
    await load(farNode("buffer"));
    await flow.ask("connect", { topic: "sensor-1" });
    const [first] = flow.all("out frame") as [Msg];
    const { id, seq, timeoutMs, ...facts } = first.smp;
    assert.match(id, /^[a-z0-9]{6}-1$/);
    assert.equal(seq, first["payload"][6]);
    assert.deepEqual(facts, {
      pool: "pool",
      device: "sensor-1",
      try: 1,
      command: "os.parameters",
      bytes: first["payload"].length,
    });
    assert.equal(first["topic"], "sensor-1");
    assert.ok(timeoutMs > 0);
    assert.equal(first["messageExpiryInterval"], Math.ceil(timeoutMs / 1000), "as mqtt out takes it");
  });

  it("fail at once, with the far end's words, when they cannot be reached", async () => {
    await load((msg, back) => back({ payload: failureEnvelope(msg.smp.device, msg.smp.id, OFFLINE) }));
    const { error, smp } = await flow.ask("connect", { topic: "sensor-1" }, "connect error");
    assert.equal(error.code, "SMP_UNREACHABLE");
    assert.match(
      error.message,
      /^os\.parameters was not answered: the far end of flow:sensor-1 says: device offline \(404103\)$/,
    );
    assert.deepEqual([smp.error.reason, smp.error.retryable], ["device offline", true]);
  });

  it("fail at once with what a Catch node caught on the way", async () => {
    await load((msg, back) => back({ ...msg, error: { message: "connect ECONNREFUSED", source: { id: "http" } } }));
    const { error } = await flow.ask("connect", { topic: "sensor-1" }, "connect error");
    assert.equal(error.code, "SMP_UNREACHABLE");
    assert.match(error.message, /says: connect ECONNREFUSED$/);
  });

  it("fail at once with an error that is no JSON", async () => {
    await load((msg, back) => back({ ...msg, error: { status: 503n } }));
    const { error } = await flow.ask("connect", { topic: "sensor-1" }, "connect error");
    assert.equal(error.code, "SMP_UNREACHABLE");
    assert.match(error.message, /says: \{ status: 503n \}$/);
  });

  it("say what is missing when the pool has no frames nodes", async () => {
    for (const [type, name] of [
      ["smp-frames-out", "out"],
      ["smp-frames-in", "in"],
    ]) {
      await load(farNode("buffer"), {}, "buffer", (all) => all.filter(({ id }) => id !== name));
      const { error, smp } = await flow.ask("connect", { topic: "sensor-1" }, "connect error");
      assert.equal(error.code, "SMP_LINK_OPEN");
      assert.match(error.message, new RegExp(`no ${type} node belongs to the pool`));
      assert.match(smp.error.hint, new RegExp(`^Add an ${type} node for this pool`));
      if (name === "out") await flow.end();
    }
  });

  it("are not disturbed by messages that are for nobody, which leave at the output of smp-frames-in", async () => {
    await load(farNode("buffer"));
    await flow.ask("connect", { topic: "sensor-1" });
    const strays: [Msg, string, RegExp][] = [
      [{ payload: "hello?", topic: "sensor-1" }, "SMP_BAD_FRAME", /not the text "hello\?"/],
      [{ payload: Buffer.from("hello"), topic: "sensor-1" }, "SMP_BAD_FRAME", /begin no answer \(68656c6c6f\)/],
      [
        { payload: Buffer.from("0b"), topic: "sensor-9" },
        "SMP_UNKNOWN_DEVICE",
        /"sensor-9", on which nobody works \(at work: sensor-1\)/,
      ],
      [{ payload: Buffer.from([1]) }, "SMP_UNKNOWN_DEVICE", /does not say which device/],
      [{ payload: '{"v":2,"device":"sensor-1","frame":"AQ=="}' }, "SMP_BAD_FRAME", /version 2/],
      [
        { payload: '{"device":"sensor-1","id":"other-7","frame":"AQ=="}' },
        "SMP_NO_SESSION",
        /the request other-7, which this pool has not sent/,
      ],
      [flow.all("out frame")[0]!, "SMP_BAD_FRAME", /begin no answer/],
    ];
    for (const [msg, code, said] of strays) {
      const { error, smp } = await flow.ask("in", msg, "in error");
      assert.deepEqual([error.code, smp.error.code, error.source.type], [code, code, "smp-frames-in"]);
      assert.match(error.message, said);
    }
    await flow.until("the count", () => flow.texts("in").at(-1) === `1 in, ${strays.length} stray`);
    assert.equal(
      (await flow.ask("state", await flow.ask("connect", { topic: "sensor-1" })))["payload"][0].version,
      "1.0.0",
    );
  });

  it("leave strays to Catch nodes when the output is not wired", async () => {
    await load(farNode("buffer"), {}, "buffer", (all) =>
      all.map((each) => (each.id === "in" ? { ...each, wires: [[]] } : each)),
    );
    const caught = await flow.ask("in", { payload: "hello?" }, "caught");
    assert.equal(caught.error.code, "SMP_BAD_FRAME");
  });

  it("leave answers to other steering sides to Catch nodes once, and only count them then", async () => {
    await load(farNode("buffer"), {}, "buffer", (all) =>
      all.map((each) => (each.id === "in" ? { ...each, wires: [[]] } : each)),
    );
    const foreign = { payload: '{"device":"sensor-1","id":"other-7","frame":"AQ=="}' };
    assert.equal((await flow.ask("in", foreign, "caught")).error.code, "SMP_NO_SESSION");
    for (let n = 0; n < 5; n++) flow.put("in", foreign);
    assert.equal((await flow.ask("in", { payload: "hello?" }, "caught")).error.code, "SMP_BAD_FRAME");
    await flow.until("the count", () => flow.texts("in").at(-1) === "0 in, 7 stray");
  });

  it("wait for acknowledgements when the pool says so", async () => {
    const held: (() => void)[] = [];
    await load((msg, back) => held.push(() => back(msg)), { flowAck: true });
    flow.put("connect", { topic: "sensor-1" });
    flow.put("connect", { topic: "sensor-2" });
    const first = await flow.next("out frame");
    await flow.until("the wait", () => flow.texts("out").at(-1) === "1 out, 1 wait");
    flow.put("in", { ...first, smp: { ...first.smp, ack: true } });
    assert.equal((await flow.next("out frame")).smp.device, "sensor-2");
  });

  it("are known from what gateways tell, and fail while their gateway is offline", async () => {
    await load(farNode("buffer"));
    const tell = (facts: Parameters<typeof presenceEnvelope>[0]): void =>
      flow.put("in", { payload: JSON.stringify(presenceEnvelope(facts)) });
    tell({ gateway: "gw-1", state: "online" });
    tell({ gateway: "gw-1", device: "sensor-1", state: "reachable", link: "ble" });
    await flow.until("the presence", () => flow.all("completed").length >= 2);
    const { payload } = await flow.ask("find", {}, "find all");
    assert.deepEqual(payload, [{ device: "sensor-1", address: "gw-1/sensor-1", name: "sensor-1", smp: true }]);
    assert.deepEqual((await flow.ask("connect", { topic: "sensor-1" }))["payload"].negotiated.gateway, "gw-1");
    const { counters } = (await flow.ask("connect", { topic: "sensor-1" }))["payload"].negotiated;
    assert.deepEqual([counters.sent, counters.received, counters.presence], [1, 1, 2]);
    tell({ gateway: "gw-1", state: "offline", at: "2026-01-01T00:00:00Z" });
    await flow.until("the loss", () => flow.texts("connect").at(-1) === "link lost");
    const { error } = await flow.ask("connect", { topic: "sensor-1" }, "connect error");
    assert.match(error.message, /flow:sensor-1 does not open: its gateway gw-1 is offline since 2026/);
    tell({ gateway: "gw-1", state: "online" });
    await flow.ask("connect", { topic: "sensor-1" });
  });

  it("cannot be reached through a pool with another link, and the frames nodes say so", async () => {
    await load(farNode("buffer"), { link: "virtual" });
    await flow.until("the statuses", () => ["out", "in"].every((id) => flow.texts(id).at(-1) === "bad setting"));
    const { error } = await flow.ask("in", { payload: "0b" }, "in error");
    assert.equal(error.code, "SMP_BAD_SETTING");
    assert.match(error.message, /has the link virtual/);
  });

  it("lose their links when the last smp-frames-out goes, and have them again with the next", async () => {
    await load(farNode("buffer"));
    await flow.ask("connect", { topic: "sensor-1" });
    const all = flowNodes({}, "buffer");
    await flow.deploy(
      all.filter(({ id }) => id !== "out"),
      "nodes",
    );
    const { error } = await flow.ask("connect", { topic: "sensor-1" }, "connect error");
    assert.match(error.message, /no smp-frames-out node belongs to the pool/);
    await flow.deploy(all, "nodes");
    await flow.ask("connect", { topic: "sensor-1" });
  });
});

const OFFLINE = { code: "404103", message: "device offline", retryable: true };

function sizeOf(payload: unknown): number {
  if (Buffer.isBuffer(payload)) return payload.length;
  return Buffer.byteLength(typeof payload === "string" ? payload : JSON.stringify(payload));
}

function wayModule(way: Way): NodeModule {
  return (api) => {
    const RED = api as NodeAPI;
    RED.nodes.registerType("way", function (this: Node, config: NodeDef) {
      RED.nodes.createNode(this, config);
      this.on("input", (msg, _send, done) => {
        way(msg as Msg, (answer) => this.send(answer));
        done();
      });
    });
  };
}
