import assert from "node:assert/strict";
import { pool, RunningFlow, surrounded, tab, watchers, type Msg } from "./flow";

/** Takes more than half a second at the brisk pace. */
const LARGE = "test/images/hash-only-2.0.0+77.bin";
const connected = (device: string, more: Msg = {}): Msg => ({ smp: { pool: "pool", device }, ...more });

describe('msg.action "abort"', () => {
  let flow: RunningFlow;

  beforeEach(async () => {
    flow = await RunningFlow.load([
      tab,
      pool({ pace: "brisk", devices: [{ name: "a" }, { name: "b" }] }),
      ...surrounded("connect", "smp-connect", { pool: "pool", device: "device", deviceType: "msg" }),
      ...surrounded("upload", "smp-upload", { firmware: "firmware", firmwareType: "msg", window: "1" }),
      ...watchers("upload"),
    ]);
  });
  afterEach(() => flow.end());

  async function uploading(device: string): Promise<void> {
    flow.put("upload", connected(device, { firmware: LARGE, topic: device }));
    await flow.until(`progress of ${device}`, () => percentOf(device) > 0);
  }

  function percentOf(device: string): number {
    const last = flow.all("upload progress").findLast((msg) => msg.smp.device === device);
    return (last?.["payload"] as number | undefined) ?? 0;
  }

  it("stops an upload, which ends on its error output and in its progress", async () => {
    await uploading("a");
    flow.put("upload", connected("a", { _msgid: "control", action: "abort" }));
    const stopped = await flow.next("upload error");
    assert.equal(stopped.error.code, "SMP_ABORTED");
    assert.equal(stopped["firmware"], LARGE);
    assert.equal(stopped.smp.error.device, "a");
    const last = flow.all("upload progress").at(-1)!;
    assert.equal(last.smp.phase, "aborted");
    assert.ok(last["payload"] < 100);
    assert.equal(flow.texts("upload").at(-1), "aborted");
    await flow.until("both done", () => flow.all("completed").length === 2);
    assert.deepEqual(flow.counts()["upload result"], undefined, "the control message itself has no output");
  });

  it("leaves the device free, and the next upload goes on where it stopped", async () => {
    await uploading("a");
    flow.put("upload", connected("a", { action: "abort" }));
    await flow.next("upload error");
    const done = await flow.ask("upload", connected("a", { firmware: LARGE }));
    assert.ok(done["payload"].resumedFromBytes > 0, "taken up where it stopped");
    assert.equal(done["payload"].outcome, "uploaded");
  }).timeout(15_000);

  it("stops only the device that it names", async () => {
    await Promise.all([uploading("a"), uploading("b")]);
    flow.put("upload", connected("a", { action: "abort" }));
    const stopped = await flow.next("upload error");
    assert.equal(stopped["topic"], "a");
    const before = percentOf("b");
    await flow.until("more progress of b", () => percentOf("b") > before);
    flow.put("upload", { action: "abort" });
    assert.equal((await flow.next("upload error"))["topic"], "b");
  });

  it("stops all of the node when it names no device, also what waits", async () => {
    await uploading("a");
    flow.put("upload", connected("b", { firmware: LARGE, topic: "b" }));
    flow.put("upload", { action: "abort" });
    const codes = [await flow.next("upload error"), await flow.next("upload error")].map(({ error }) => error.code);
    assert.deepEqual(codes, ["SMP_ABORTED", "SMP_ABORTED"]);
  });

  it("is refused when it is another word", async () => {
    const msg = await flow.ask("upload", connected("a", { action: "stop" }), "upload error");
    assert.equal(msg.error.code, "SMP_BAD_INPUT");
    assert.equal(msg.error.message, 'msg.action must be "abort", or absent, got "stop"');
    const other = await flow.ask("connect", { device: "a", action: "dance" }, "connect error");
    assert.equal(other.error.message, 'msg.action must be "abort" or "disconnect", or absent, got "dance"');
  });
});

describe('msg.action "disconnect"', () => {
  let flow: RunningFlow;

  beforeEach(async () => {
    flow = await RunningFlow.load([
      tab,
      pool({ pace: "brisk" }),
      ...surrounded("connect", "smp-connect", { pool: "pool", device: "sensor-1", deviceType: "str" }),
      ...surrounded("upload", "smp-upload", { firmware: LARGE, firmwareType: "str" }),
    ]);
  });
  afterEach(() => flow.end());

  it("closes the session of the device and says so", async () => {
    await flow.ask("connect", {});
    assert.equal(flow.texts("connect").at(-1), "connected");
    const msg = await flow.ask("connect", { action: "disconnect" });
    assert.deepEqual(msg["payload"], { device: "sensor-1", link: "closed" });
    assert.equal(flow.texts("connect").at(-1), "disconnected");
    const again = await flow.ask("connect", {});
    assert.equal(again["payload"].link, "virtual", "it can be opened again");
  });

  it("ends what runs on the device", async () => {
    flow.put("upload", connected("sensor-1"));
    await flow.until("progress", () => (flow.all("upload progress").at(-1)?.["payload"] ?? 0) > 0);
    flow.put("connect", { action: "disconnect" });
    const stopped = await flow.next("upload error");
    assert.equal(stopped.error.code, "SMP_ABORTED");
    await flow.next("connect result");
  });
});
