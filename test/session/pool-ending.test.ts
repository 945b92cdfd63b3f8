import assert from "node:assert/strict";
import { os } from "../../src/smp/commands";
import type { DeviceHandle, SessionPool } from "../../src/session/types";
import { useFakeTime } from "./fake-time";
import { afterParameters } from "./scripted-link";
import { Gate, makePool, operation, type ScriptedTransport } from "./scripted-transport";

const silent = afterParameters(() => undefined);
const echo = async (device: DeviceHandle) => (await device.session()).request(os.echo, { d: "x" });

describe("pool: disconnect", () => {
  const time = useFakeTime();

  it("fails who works and who waits, closes the session, and leaves the pool usable", async () => {
    const { pool, transport } = makePool();
    transport.script = silent;
    const aborted = { code: "SMP_ABORTED", message: "a was disconnected on purpose" };
    const all = ["one", "two"].map((name) => assert.rejects(pool.use("a", operation(name), echo), aborted));
    await time.pass(0);
    await pool.disconnect("a");
    await Promise.all(all);
    assert.deepEqual(transport.stillOpen, []);
    assert.deepEqual(pool.status(), [
      { key: "a", link: "closed", running: undefined, waiting: [], lastError: undefined },
    ]);
    assert.equal(time.pending(), 0);
    transport.script = afterParameters(() => ({ r: "x" }));
    assert.deepEqual(await pool.use("a", operation("three"), echo), { r: "x" });
  });

  it("ends an opening under way", async () => {
    const { pool, transport } = makePool();
    transport.opening = () => new Promise(() => {});
    const failed = assert.rejects(pool.use("a", operation("x"), echo), { code: "SMP_ABORTED" });
    await time.pass(0);
    await pool.disconnect("a");
    await failed;
    assert.equal(time.pending(), 0);
  });

  it("keeps work from beginning that was just about to", async () => {
    const { pool } = makePool();
    let hasRun = false;
    const failed = assert.rejects(
      pool.use("a", operation("x"), async () => void (hasRun = true)),
      { code: "SMP_ABORTED" },
    );
    await pool.disconnect("a");
    await failed;
    assert.equal(hasRun, false);
  });

  it("keeps work that goes on regardless from the device", async () => {
    const { pool, transport } = makePool();
    const gate = new Gate();
    let after: Promise<unknown> | undefined;
    const failed = assert.rejects(
      pool.use("a", operation("stubborn"), async (device) => {
        await device.session();
        await gate.passed;
        after = assert.rejects(device.session(), { code: "SMP_ABORTED" });
        await device.drop();
      }),
      { code: "SMP_ABORTED" },
    );
    await time.pass(0);
    await pool.disconnect("a");
    await failed;
    await pool.use("a", operation("next"), (device) => device.session());
    gate.open();
    await time.pass(0);
    await after;
    assert.deepEqual(transport.attempts, ["a", "a"]);
    assert.deepEqual(transport.stillOpen, ["a"]);
  });

  it("of one device leaves the others alone, and of one that is not connected does nothing", async () => {
    const { pool, transport } = makePool();
    await pool.use("a", operation("x"), (device) => device.session());
    await pool.use("b", operation("x"), (device) => device.session());
    await pool.disconnect("b");
    await pool.disconnect("b");
    await pool.disconnect("never seen");
    assert.deepEqual(transport.stillOpen, ["a"]);
  });

  it("gives the place of the session to who waits for room", async () => {
    const { pool, transport } = makePool({ maxSessions: 1 });
    transport.script = silent;
    const failed = assert.rejects(pool.use("a", operation("x"), echo), { code: "SMP_ABORTED" });
    await time.pass(0);
    const other = pool.use("b", operation("x"), (device) => device.session());
    await time.pass(0);
    await pool.disconnect("a");
    await Promise.all([failed, other]);
    assert.deepEqual(transport.stillOpen, ["b"]);
  });
});

describe("pool: close", () => {
  const time = useFakeTime();

  it("fails all that works, waits, opens or waits for room with SMP_CLOSED, and closes every session", async () => {
    const { pool, transport } = makePool({ maxSessions: 2 });
    transport.script = silent;
    transport.opening = (name) => (name === "b" ? new Promise(() => {}) : Promise.resolve());
    const closed = { code: "SMP_CLOSED" };
    const all = ["a", "a", "b", "c"].map((name) => assert.rejects(pool.use(name, operation("x"), echo), closed));
    await time.pass(0);
    await pool.close();
    await Promise.all(all);
    assert.deepEqual(transport.stillOpen, []);
    assert.equal(time.pending(), 0);
  });

  it("closes idle sessions and their timers", async () => {
    const { pool, transport } = makePool();
    await pool.use("a", operation("x"), (device) => device.session());
    await pool.close();
    assert.deepEqual(transport.stillOpen, []);
    assert.equal(time.pending(), 0);
  });

  it("refuses everything afterwards", async () => {
    const { pool } = makePool();
    const closing = pool.close();
    await assert.rejects(
      pool.use("a", operation("upload"), async () => {}),
      { code: "SMP_CLOSED", message: /upload was not begun/ },
    );
    await assert.rejects(pool.disconnect("a"), { code: "SMP_CLOSED" });
    await closing;
    await pool.close();
    assert.deepEqual(pool.status(), []);
  });

  it("is over within 3 s, however the links behave", async () => {
    const { pool, transport } = makePool();
    transport.closing = () => new Promise(() => {});
    transport.script = silent;
    const failed = assert.rejects(pool.use("a", operation("x"), echo), { code: "SMP_CLOSED" });
    await pool.use("b", operation("x"), (device) => device.session());
    const closed = pool.close();
    await time.pass(3_000);
    await closed;
    await failed;
  });

  it("does not wait for work that ignores it", async () => {
    const { pool } = makePool();
    const failed = assert.rejects(
      pool.use("a", operation("x"), () => new Promise(() => {})),
      { code: "SMP_CLOSED" },
    );
    await pool.close();
    await failed;
  });
});

describe("pool: an opening that is cut short", () => {
  const time = useFakeTime();

  /** Lets so many steps of the opening pass before `cut` comes, for each number up to one where all is over. */
  async function atEachMoment(
    cut: (pool: SessionPool, controller: AbortController) => Promise<void> | void,
    check: (pool: SessionPool, transport: ScriptedTransport, moment: string) => Promise<void>,
  ): Promise<void> {
    for (let moment = 0; moment < 60; moment++) {
      const { pool, transport } = makePool({ maxSessions: 1 });
      const controller = new AbortController();
      const doomed = operation("doomed", { signal: controller.signal });
      const outcome = pool.use("a", doomed, (device) => device.session()).catch(() => {});
      for (let step = 0; step < moment; step++) await Promise.resolve();
      await cut(pool, controller);
      await outcome;
      await check(pool, transport, `after ${moment} steps`);
      await pool.close();
      assert.deepEqual(transport.stillOpen, []);
      assert.equal(time.pending(), 0);
    }
  }

  const open = (pool: SessionPool, name: string) => pool.use(name, operation("next"), (device) => device.session());

  it("by a disconnect leaves nothing open and no place taken", () =>
    atEachMoment(
      (pool) => pool.disconnect("a"),
      async (pool, transport, moment) => {
        assert.deepEqual(transport.stillOpen, [], moment);
        assert.equal((await open(pool, "b")).endedBy, undefined, moment);
      },
    ));

  it("by an abort leaves device and place to others", () =>
    atEachMoment(
      (_, controller) => controller.abort(),
      async (pool, transport, moment) => {
        assert.equal((await open(pool, "a")).endedBy, undefined, moment);
        assert.equal((await open(pool, "b")).endedBy, undefined, moment);
        assert.deepEqual(transport.stillOpen, ["b"], moment);
      },
    ));

  it("by the close of the pool leaves nothing open", () =>
    atEachMoment(
      (pool) => pool.close(),
      async (_, transport, moment) => assert.deepEqual(transport.stillOpen, [], moment),
    ));
});
