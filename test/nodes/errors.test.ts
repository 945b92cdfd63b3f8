import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildImage } from "../build-image";
import { node, pool, probe, RunningFlow, surrounded, tab, watchers, type Msg } from "./flow";

const target = (device = "sensor-1"): Msg => ({ _msgid: "m-1", smp: { pool: "pool", device }, kept: { x: 1 } });

describe("an error", () => {
  let flow: RunningFlow;
  const folder = mkdtempSync(join(tmpdir(), "smp-errors-"));
  afterEach(() => flow.end());
  after(() => rmSync(folder, { recursive: true }));

  it("goes to the error output alone when that is wired", async () => {
    flow = await RunningFlow.load([tab, pool(), ...surrounded("test", "smp-test", HASH), ...watchers("test")]);
    const msg = await flow.ask("test", { ...target(), hash: "ab".repeat(32) }, "test error");
    assert.equal(msg.error.code, "SMP_NOT_IN_SLOT");
    assert.deepEqual(msg.error.source, { id: "test", type: "smp-test", name: "test", count: 1 });
    assert.deepEqual([msg["_msgid"], msg["kept"]], ["m-1", { x: 1 }]);
    const { code, message, hint, retryable, device, phase } = msg.smp.error;
    assert.deepEqual([code, message, retryable, device], ["SMP_NOT_IN_SLOT", msg.error.message, false, "sensor-1"]);
    assert.ok(hint.length > 0 && phase.length > 0);
    assert.deepEqual([msg.smp.pool, msg.smp.device], ["pool", "sensor-1"]);
    await flow.next("completed");
    assert.deepEqual(flow.all("caught"), []);
    assert.deepEqual(flow.all("test result"), []);
  });

  it("goes to Catch nodes when the error output is not wired, and Complete does not fire", async () => {
    flow = await RunningFlow.load([
      tab,
      pool(),
      node("test", "smp-test", HASH, [["result"]]),
      probe("result"),
      ...watchers("test"),
    ]);
    const msg = await flow.ask("test", { ...target(), hash: "ab".repeat(32) }, "caught");
    assert.equal(msg.error.code, "SMP_NOT_IN_SLOT");
    assert.deepEqual(msg.error.source, { id: "test", type: "smp-test", name: "test", count: 1 });
    assert.equal(msg.error.message, msg.smp.error.message);
    assert.equal(msg.smp.error.code, "SMP_NOT_IN_SLOT");
    assert.deepEqual(msg["kept"], { x: 1 });

    await flow.ask("test", { ...target(), hash: "cd".repeat(32) }, "caught");
    assert.deepEqual(flow.all("completed"), []);
    assert.deepEqual(flow.all("result"), []);
  });

  it("has what the device answered as its cause, the same both ways", async () => {
    // The device compares without the build number, so that this is not newer for it.
    const upload = { firmware: "test/images/hash-only-2.0.0+77.bin", firmwareType: "str", upgradeOnly: true };
    const factoryFirmware = join(folder, "2.0.0.bin");
    writeFileSync(factoryFirmware, buildImage({ version: "2.0.0" }));
    const older = { devices: [{ name: "sensor-1" }], factoryFirmware };
    flow = await RunningFlow.load([
      tab,
      pool(older),
      ...surrounded("wired", "smp-upload", upload),
      node("unwired", "smp-upload", upload),
      ...watchers("unwired"),
    ]);
    const wired = await flow.ask("wired", target(), "wired error");
    const caught = await flow.ask("unwired", target(), "caught");
    assert.equal(wired.error.code, "SMP_DEVICE");
    assert.equal(typeof wired.error.cause.rc, "number");
    assert.equal(wired.smp.error.rc, wired.error.cause.rc);
    for (const key of ["message", "code", "cause"]) assert.deepEqual(caught.error[key], wired.error[key]);
  });

  it("is no longer in the message once a retry went well, and other nodes' errors stay", async () => {
    flow = await RunningFlow.load([tab, pool(), ...surrounded("state", "smp-image-state", { firmwareType: "none" })]);
    const retried = { ...target(), error: { message: "x", source: { type: "smp-upload" } } };
    retried.smp.error = { code: "SMP_LINK_LOST" };
    const msg = await flow.ask("state", retried);
    assert.deepEqual(["error" in msg, "error" in msg.smp], [false, false]);
    const foreign = await flow.ask("state", { ...target(), error: { message: "y", source: { type: "function" } } });
    assert.equal(foreign.error.message, "y");
  });
});

describe("Complete and Status nodes", () => {
  let flow: RunningFlow;
  afterEach(() => flow.end());

  it("fire for a success, once per message", async () => {
    flow = await RunningFlow.load([
      tab,
      pool(),
      ...surrounded("state", "smp-image-state", { firmwareType: "none" }),
      ...watchers("state"),
    ]);
    for (const round of [1, 2, 3]) {
      await flow.ask("state", target());
      await flow.next("completed");
      assert.equal(flow.all("completed").length, round);
    }
    const texts = flow.all("statuses").map((msg) => msg["status"].text);
    assert.equal(texts.at(-1), "1.0.0 runs");
    assert.deepEqual(flow.all("statuses").at(-1)!["status"].fill, "green");
    assert.deepEqual(flow.all("caught"), []);
  });

  it("show an error in red with a short text", async () => {
    flow = await RunningFlow.load([
      tab,
      pool(),
      ...surrounded("state", "smp-image-state", { firmwareType: "none" }),
      ...watchers("state"),
    ]);
    await flow.ask("state", target("sensor-9"), "state error");
    await flow.until("the status", () => flow.all("statuses").length > 0);
    const { fill, shape, text } = flow.all("statuses").at(-1)!["status"];
    assert.deepEqual({ fill, shape, text }, { fill: "red", shape: "ring", text: "unknown device" });
  });
});

const HASH = { hash: "hash", hashType: "msg", image: "0", imageType: "num" };
