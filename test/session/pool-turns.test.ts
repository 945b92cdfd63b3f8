import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { SmpError } from "../../src/errors";
import { useFakeTime } from "./fake-time";
import { Gate, makePool, operation } from "./scripted-transport";

describe("pool: turns on a device", () => {
  const time = useFakeTime();

  it("runs one operation at a time, first come first served", async () => {
    const { pool } = makePool();
    const gates = [new Gate(), new Gate(), new Gate()];
    const begun: number[] = [];
    const results = gates.map((gate, index) =>
      pool.use("a", operation(`work ${index}`), async () => {
        begun.push(index);
        await gate.passed;
        return index;
      }),
    );
    await time.pass(0);
    gates[2]!.open();
    gates[1]!.open();
    await time.pass(0);
    assert.deepEqual(begun, [0]);
    gates[0]!.open();
    assert.deepEqual(await Promise.all(results), [0, 1, 2]);
    assert.deepEqual(begun, [0, 1, 2]);
  });

  it("runs operations of different devices side by side", async () => {
    const { pool } = makePool();
    const gate = new Gate();
    const blocked = pool.use("a", operation("upload"), () => gate.passed);
    assert.equal(await pool.use("b", operation("upload"), async ({ key }) => key), "b");
    gate.open();
    await blocked;
  });

  it("passes the turn on after a failure, also one that is thrown at once", async () => {
    const { pool } = makePool();
    const failures = [
      assert.rejects(
        pool.use("a", operation("one"), () => Promise.reject(new Error("rejected"))),
        /rejected/,
      ),
      assert.rejects(
        pool.use("a", operation("two"), () => {
          throw new Error("thrown");
        }),
        /thrown/,
      ),
    ];
    assert.equal(await pool.use("a", operation("three"), async () => "done"), "done");
    await Promise.all(failures);
  });

  it("tells those that wait how many are ahead, with each change", async () => {
    const { pool } = makePool();
    const gate = new Gate();
    const heard: string[] = [];
    const use = (name: string, work: () => Promise<void>) =>
      pool.use("a", operation(name, { onWaiting: (ahead) => heard.push(`${name} ${ahead}`) }), work);
    const all = [use("first", () => gate.passed), use("second", async () => {}), use("third", async () => {})];
    assert.deepEqual(heard, ["first 0", "second 1", "third 2"]);
    gate.open();
    await Promise.all(all);
    assert.deepEqual(heard.slice(3), ["second 0", "third 1", "third 0"]);
  });

  it("shows who works and who waits", async () => {
    const { pool } = makePool();
    const gate = new Gate();
    const all = ["upload", "test", "reset"].map((name) => pool.use("a", operation(name), () => gate.passed));
    assert.deepEqual(pool.status(), [
      { key: "a", link: "closed", running: "upload", waiting: ["test", "reset"], lastError: undefined },
    ]);
    gate.open();
    await Promise.all(all);
    assert.deepEqual(
      pool.status().map(({ running, waiting }) => [running, waiting]),
      [[undefined, []]],
    );
  });

  it("lets who waits leave the queue by its signal", async () => {
    const { pool } = makePool();
    const gate = new Gate();
    const controller = new AbortController();
    const reason = new SmpError("SMP_ABORTED", "enough");
    const first = pool.use("a", operation("first"), () => gate.passed);
    const second = assert.rejects(
      pool.use("a", operation("second", { signal: controller.signal }), async () => assert.fail("it must not run")),
      (error) => error === reason,
    );
    const third = pool.use("a", operation("third"), async () => "ran");
    controller.abort(reason);
    await second;
    assert.deepEqual(pool.status()[0]!.waiting, ["third"]);
    assert.equal(getEventListeners(controller.signal, "abort").length, 0);
    gate.open();
    assert.equal(await third, "ran");
    await first;
  });

  it("does not begin what is aborted already", async () => {
    const { pool, transport } = makePool();
    const aborted = pool.use("a", operation("x", { signal: AbortSignal.abort() }), async (device) => device.session());
    await assert.rejects(aborted, { code: "SMP_ABORTED" });
    assert.deepEqual(transport.attempts, []);
    assert.equal(await pool.use("a", operation("y"), async () => "ran"), "ran");
  });

  it("refuses a second operation of a kind that wants to be alone, and names the first", async () => {
    const { pool } = makePool();
    const gate = new Gate();
    const upload = operation("upload", { sole: true });
    const running = pool.use("a", upload, () => gate.passed);
    const whileRunning = { code: "SMP_BUSY", message: /upload on a .* an earlier upload is running there/ };
    await assert.rejects(
      pool.use("a", upload, async () => {}),
      whileRunning,
    );
    const reset = operation("reset", { sole: true });
    const waiting = pool.use("a", reset, async () => {});
    const whileWaiting = { code: "SMP_BUSY", message: /an earlier reset is waiting for its turn there/ };
    await assert.rejects(
      pool.use("a", reset, async () => {}),
      whileWaiting,
    );
    assert.equal(await pool.use("b", upload, async () => "another device"), "another device");
    gate.open();
    await Promise.all([running, waiting]);
    assert.equal(await pool.use("a", upload, async () => "later"), "later");
  });

  it("refuses more than the queue takes", async () => {
    const { pool } = makePool({ maxWaiting: 2 });
    const gate = new Gate();
    const all = ["a", "b", "c"].map((name) => pool.use("device", operation(name), () => gate.passed));
    await assert.rejects(
      pool.use("device", operation("d"), async () => {}),
      { code: "SMP_QUEUE_FULL", message: /d on device was not begun: a is running and 2 operations wait/ },
    );
    gate.open();
    await Promise.all(all);
    assert.equal(await pool.use("device", operation("e"), async () => "served"), "served");
  });

  it("runs without any place to wait as long as nobody else works", async () => {
    const { pool } = makePool({ maxWaiting: 0 });
    assert.equal(await pool.use("a", operation("x"), async () => "ran"), "ran");
  });

  it("passes on what is wrong with an address", async () => {
    const { pool } = makePool();
    await assert.rejects(
      pool.use(7, operation("x"), async () => {}),
      { code: "SMP_BAD_INPUT" },
    );
    assert.throws(() => pool.key(7), { code: "SMP_BAD_INPUT" });
    await assert.rejects(pool.disconnect(7), { code: "SMP_BAD_INPUT" });
    assert.equal(pool.key("a"), "a");
    assert.deepEqual(pool.status(), []);
  });

  it("notes the device in a failure, but not in the reason of the caller's own abort", async () => {
    const { pool } = makePool();
    const bad = new SmpError("SMP_BAD_IMAGE", "no image");
    await assert.rejects(
      pool.use("a", operation("x"), () => Promise.reject(bad)),
      { details: { device: "a" } },
    );
    const reason = new SmpError("SMP_ABORTED", "the node was closed");
    const signal = AbortSignal.abort(reason);
    await assert.rejects(
      pool.use("a", operation("x", { signal }), async () => {}),
      { details: {} },
    );
  });

  it("turns a listener's fault into a warning and goes on", async () => {
    const { pool } = makePool();
    pool.watch(() => {
      throw new Error("my listener is broken");
    });
    const warnings: unknown[] = [];
    const emitWarning = process.emitWarning.bind(process);
    process.emitWarning = (warning: unknown) => void warnings.push(warning);
    try {
      assert.equal(await pool.use("a", operation("x"), async () => "ran"), "ran");
    } finally {
      process.emitWarning = emitWarning;
    }
    assert.match(String(warnings[0]), /a listener of the session pool failed: my listener is broken/);
  });
});
