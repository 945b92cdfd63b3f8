import assert from "node:assert/strict";
import { decodeMessage, encodeMessage, type CborMap } from "../../src/smp/message";
import { node, pool, RunningFlow, surrounded, tab, watchers, type Msg } from "./flow";

const request = (op: number, [group, id]: readonly [number, number], body: CborMap = {}): Buffer =>
  Buffer.from(encodeMessage({ op, version: 1, group, id, seq: 3, body }));
const echo = (d: string): Buffer => request(2, [0, 0], { d });
const state = request(0, [1, 0]);

const envelope = (frame: Uint8Array, more: object = {}): object => ({
  v: 1,
  device: "sensor-1",
  id: "x-1",
  frame: Buffer.from(frame).toString("base64"),
  ...more,
});
const answer = (msg: Msg): CborMap => decodeMessage(Buffer.from(msg["payload"].frame, "base64")).body;

describe("the gateway node", () => {
  let flow: RunningFlow;
  afterEach(() => flow.end());

  const load = async (settings: object = {}, poolSettings: object = {}): Promise<void> => {
    flow = await RunningFlow.load([
      tab,
      pool(poolSettings),
      ...surrounded("gate", "smp-gateway", { pool: "pool", gateway: "gw-1", ...settings }),
      ...surrounded("connect", "smp-connect", { pool: "pool", device: "sensor-1", deviceType: "str" }),
      ...watchers("gate"),
    ]);
  };
  const ask = (payload: unknown, more: Msg = {}): Promise<Msg> =>
    flow.ask("gate", { payload, ...more }, "gate response");
  const refuse = async (payload: unknown, more: Msg = {}): Promise<Msg> => {
    flow.put("gate", { payload, ...more });
    return flow.next("gate error");
  };

  it("answers an envelope with one, on the response topic and with the message's other properties", async () => {
    await load();
    const msg = await ask(envelope(echo("hi")), { topic: "smp/v1/gw-1/request", req: "kept" });
    const { frame, ...rest } = msg["payload"];
    assert.deepEqual(rest, { v: 1, device: "sensor-1", id: "x-1" });
    assert.deepEqual(decodeMessage(Buffer.from(frame, "base64")), {
      op: 3,
      version: 1,
      group: 0,
      id: 0,
      seq: 3,
      body: { r: "hi" },
    });
    assert.deepEqual([msg["topic"], msg["req"]], ["smp/v1/gw-1/response", "kept"]);
    assert.deepEqual(msg.smp, { pool: "pool", device: "sensor-1", link: "virtual" });
    await flow.next("completed");
  });

  it("takes envelopes as JSON in text or Buffer, and bare frames in three forms", async () => {
    await load();
    const json = JSON.stringify(envelope(echo("a")));
    for (const payload of [json, Buffer.from(json)]) assert.deepEqual(answer(await ask(payload)), { r: "a" });
    const smp = { device: "sensor-1" };
    const bytes = await ask(echo("b"), { smp, topic: "mine" });
    assert.deepEqual(decodeMessage(bytes["payload"] as Buffer).body, { r: "b" });
    assert.equal(bytes["topic"], "mine");
    const hex = await ask(echo("c").toString("hex"), { topic: "sensor-1" });
    assert.deepEqual(decodeMessage(Buffer.from(hex["payload"] as string, "hex")).body, { r: "c" });
    const base64 = await ask(echo("d").toString("base64"), { smp });
    assert.deepEqual(decodeMessage(Buffer.from(base64["payload"] as string, "base64")).body, { r: "d" });
  });

  it("takes frames in pieces and several in one message", async () => {
    await load();
    const frame = echo("in two pieces");
    flow.put("gate", { payload: envelope(frame.subarray(0, 9)) });
    assert.deepEqual(answer(await ask(envelope(frame.subarray(9)))), { r: "in two pieces" });
    flow.put("gate", {
      payload: envelope(Buffer.alloc(0), {
        frame: undefined,
        frames: ["1", "2"].map((d) => echo(d).toString("base64")),
      }),
    });
    const both = [await flow.next("gate response"), await flow.next("gate response")];
    assert.deepEqual(
      both.map((msg) => answer(msg)["r"]),
      ["1", "2"],
    );
  });

  it("cuts an answer that is too long for a message", async () => {
    await load({ maxMessageBytes: "200" });
    flow.put("gate", { payload: envelope(state) });
    const messages = [await flow.next("gate response"), await flow.next("gate response")];
    for (const { payload } of messages) assert.ok(JSON.stringify(payload).length <= 200, JSON.stringify(payload));
    const whole = Buffer.concat(messages.map(({ payload }) => Buffer.from(payload.frame, "base64")));
    assert.equal((decodeMessage(whole).body["images"] as { version: string }[])[0]!.version, "1.0.0");
  });

  it("says in an envelope why a request is not played", async () => {
    await load({ allow: "os.echo", devices: "sensor-1\nroof = sensor-9" });
    const error = async (payload: unknown): Promise<{ code: string; message: string; retryable: boolean }> =>
      (await ask(payload))["payload"].error;
    assert.equal((await error(envelope(state))).code, "SMP_NOT_ALLOWED");
    assert.equal((await error(envelope(echo(""), { device: "sensor-2" }))).code, "SMP_UNKNOWN_DEVICE");
    const unknown = await error(envelope(echo(""), { device: "roof" }));
    assert.deepEqual([unknown.code, unknown.retryable], ["SMP_UNKNOWN_DEVICE", false]);
    assert.match(unknown.message, /sensor-9/);
    assert.deepEqual(flow.all("gate error"), []);
  });

  it("does not play what nobody waits for any more, as MQTT 5 tells it", async () => {
    await load();
    const late = await ask(envelope(state), { messageExpiryInterval: 0 });
    const { code, message, retryable } = late["payload"].error;
    assert.deepEqual([code, retryable], ["SMP_TIMEOUT", true]);
    assert.match(message, /image\.readState was not played to sensor-1/);
    assert.ok((await ask(envelope(state), { messageExpiryInterval: 600 }))["payload"].frame);
  });

  it("plays a request once that a broker has doubled", async () => {
    await load();
    const reset = envelope(request(2, [0, 5]));
    const [first, second] = [await ask(reset), await ask(reset)];
    assert.deepEqual(first["payload"], second["payload"]);
  });

  it("refuses what is no request, and says why", async () => {
    await load();
    assert.equal((await refuse("")).smp.error.code, "SMP_BAD_FRAME");
    assert.match((await refuse({ v: 2, device: "sensor-1", frame: "" })).error.message, /version/);
    assert.match((await refuse(echo(""))).error.message, /names no device/);
    assert.match((await refuse(envelope(echo("")), { retain: true })).error.message, /retained/);
    assert.match((await refuse({ v: 1, gateway: "gw-2", state: "online" })).error.message, /presence/);
    assert.equal((await refuse(Buffer.from("hello, here I am"), { topic: "sensor-1" })).error.code, "SMP_BAD_FRAME");
    assert.equal((await refuse(echo(""), { topic: "sensor-7" })).error.code, "SMP_UNKNOWN_DEVICE");
    flow.put("gate", { payload: { v: 1, device: "sensor-1", ack: true } });
    assert.deepEqual(flow.all("gate response"), []);
  });

  it("tells who is reachable: at the start, with each change, and when it is asked", async () => {
    await load({ devices: "sensor-1" }, { idleCloseS: "1" });
    const born = await flow.next("gate presence");
    assert.deepEqual([born["topic"], born["retain"], born["qos"]], ["smp/v1/gw-1/presence", true, 1]);
    assert.equal(born["payload"].state, "online");
    const known = await flow.next("gate presence");
    assert.deepEqual([known["topic"], known["payload"].state], ["smp/v1/gw-1/device/sensor-1/presence", "known"]);
    await ask(envelope(echo("")));
    const open = await flow.next("gate presence");
    const { state: opened, link, maxFrameBytes, bufSize, bufCount } = open["payload"];
    assert.deepEqual([opened, link, maxFrameBytes, bufSize, bufCount], ["open", "virtual", 2475, 2475, 4]);
    flow.put("gate", { action: "announce" });
    const again = [await flow.next("gate presence"), await flow.next("gate presence")];
    assert.deepEqual(
      again.map(({ payload }) => payload.state),
      ["online", "open"],
    );
    assert.deepEqual(flow.texts("gate").at(-1), "1 open");
  });

  it("tells nothing when it is not to", async () => {
    await load({ presence: false });
    await ask(envelope(echo("")));
    assert.deepEqual(flow.all("gate presence"), []);
  });

  it("uses the session that other nodes of the pool have opened", async () => {
    await load({ devices: "sensor-1" });
    await flow.ask("connect", {});
    await ask(envelope(echo("")));
    const opened = flow.all("gate presence").filter(({ payload }) => payload.state === "open");
    assert.equal(opened.at(-1)!["payload"].bufCount, 4);
    assert.ok(!flow.all("gate presence").some(({ payload }) => payload.state === "reachable"));
  });

  it("says at the start what is wrong with its settings, and refuses its messages", async () => {
    await load({ allow: "os.everything" });
    await flow.until("the status", () => flow.texts("gate").includes("bad setting"));
    const { error } = (await refuse(envelope(echo("")))).smp;
    assert.equal(error.code, "SMP_BAD_SETTING");
    assert.match(error.message, /os\.everything/);
  });

  it("needs a pool", async () => {
    flow = await RunningFlow.load([
      tab,
      ...surrounded("gate", "smp-gateway", { pool: "", gateway: "gw-1" }),
      node("x", "probe"),
    ]);
    assert.equal((await refuse(envelope(echo("")))).smp.error.code, "SMP_NO_POOL");
  });
});
