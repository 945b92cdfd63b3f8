import assert from "node:assert/strict";
import type { DeviceHandle } from "../../src/session/types";
import { useFakeTime } from "./fake-time";
import { zephyr } from "./scripted-link";
import { Gate, makePool, operation } from "./scripted-transport";

const open = (device: DeviceHandle) => device.session();

describe("pool: the limit on open sessions", () => {
  const time = useFakeTime();

  it("closes the session that is idle for longest to make room", async () => {
    const { pool, transport } = makePool({ maxSessions: 2 });
    await pool.use("a", operation("x"), open);
    await pool.use("b", operation("x"), open);
    await pool.use("a", operation("x"), open);
    await pool.use("c", operation("x"), open);
    assert.deepEqual(transport.stillOpen, ["a", "c"]);
  });

  it("never closes one that is in use, but waits until an operation ends", async () => {
    const { pool, transport } = makePool({ maxSessions: 1 });
    const gate = new Gate();
    const first = pool.use("a", operation("upload"), async (device) => {
      await device.session();
      await gate.passed;
    });
    await time.pass(0);
    const second = pool.use("b", operation("upload"), open);
    await time.pass(5_000);
    assert.deepEqual(transport.stillOpen, ["a"]);
    assert.equal(pool.status()[1]!.link, "opening");
    gate.open();
    await Promise.all([first, second]);
    assert.deepEqual(transport.stillOpen, ["b"]);
  });

  it("is never exceeded, not even while links close", async () => {
    const { pool, transport } = makePool({ maxSessions: 2 });
    let links = 0;
    let most = 0;
    transport.opening = async () => void (most = Math.max(most, ++links));
    transport.closing = async () => {
      await Promise.resolve();
      links--;
    };
    const names = Array.from({ length: 12 }, (_, index) => `device-${index % 6}`);
    await Promise.all(names.map((name) => pool.use(name, operation("x"), (device) => device.session())));
    assert.equal(most, 2);
    await pool.close();
    assert.equal(links, 0);
  });

  it("fails who waits for too long, and names those in the way", async () => {
    const { pool } = makePool({ maxSessions: 2, roomTimeoutMs: 60_000 });
    const gate = new Gate();
    const busy = ["a", "b"].map((name) =>
      pool.use(name, operation("upload"), async (device) => {
        await device.session();
        await gate.passed;
      }),
    );
    await time.pass(0);
    const failed = assert.rejects(pool.use("c", operation("x"), open), {
      code: "SMP_POOL_FULL",
      message: "no room for a session with c: the 2 that the pool may have open were in use for 60 s (a, b)",
    });
    await time.pass(60_000);
    await failed;
    gate.open();
    await Promise.all(busy);
    await pool.use("c", operation("x"), open);
  });

  it("lets who waits for room be aborted", async () => {
    const { pool, transport } = makePool({ maxSessions: 1 });
    const gate = new Gate();
    const busy = pool.use("a", operation("x"), async (device) => {
      await device.session();
      await gate.passed;
    });
    await time.pass(0);
    const controller = new AbortController();
    const waiting = pool.use("b", operation("x", { signal: controller.signal }), open);
    const next = pool.use("c", operation("x"), open);
    await time.pass(0);
    controller.abort();
    await assert.rejects(waiting, { code: "SMP_ABORTED" });
    gate.open();
    await Promise.all([busy, next]);
    assert.deepEqual(transport.attempts, ["a", "c"]);
  });

  it("keeps an operation's place while its device reboots", async () => {
    const { pool, transport } = makePool({ maxSessions: 1 });
    const rebooted = new Gate();
    const reset = pool.use("a", operation("reset"), async (device) => {
      await device.session();
      await device.drop();
      transport.opening = () => Promise.reject(new Error("still rebooting"));
      await assert.rejects(device.session(), /still rebooting/);
      await rebooted.passed;
      transport.opening = async () => {};
      await device.session();
    });
    await time.pass(0);
    const other = pool.use("b", operation("x"), open);
    await time.pass(1_000);
    assert.deepEqual(transport.attempts, ["a", "a"]);
    rebooted.open();
    await Promise.all([reset, other]);
    assert.deepEqual(transport.attempts, ["a", "a", "a", "b"]);
  });

  it("gives a place back when a link does not open, and when an idle one is lost", async () => {
    const { pool, transport } = makePool({ maxSessions: 1, roomTimeoutMs: 1 });
    transport.opening = () => Promise.reject(new Error("no such port"));
    for (const name of ["a", "b", "c"]) {
      await assert.rejects(pool.use(name, operation("x"), open), { code: "SMP_LINK_OPEN" });
    }
    transport.opening = async () => {};
    await pool.use("d", operation("x"), open);
    transport.link("d").lose();
    await time.pass(0);
    await pool.use("e", operation("x"), open);
    assert.deepEqual(transport.stillOpen, ["e"]);
  });

  it("serves all who wait when places get free one by one", async () => {
    const { pool, transport } = makePool({ maxSessions: 2 });
    const names = Array.from({ length: 10 }, (_, index) => `device-${index}`);
    const done = await Promise.all(
      names.map((name) => pool.use(name, operation("x"), async (d) => (await open(d), name))),
    );
    assert.deepEqual(done, names);
    assert.equal(transport.stillOpen.length, 2);
  });

  it("counts a link that was opened in vain until it is closed", async () => {
    const { pool, transport } = makePool({ maxSessions: 1 });
    const closed = new Gate();
    transport.closing = () => closed.passed;
    transport.script = () => undefined;
    const controller = new AbortController();
    const aborted = pool.use("a", operation("x", { signal: controller.signal }), open);
    await time.pass(100);
    controller.abort();
    await assert.rejects(aborted, { code: "SMP_ABORTED" });
    transport.script = zephyr;
    const again = pool.use("a", operation("y"), open);
    const other = pool.use("b", operation("x"), open);
    await time.pass(100);
    assert.deepEqual(transport.attempts, ["a"]);
    closed.open();
    await Promise.all([again, other]);
    assert.equal(transport.attempts.length, 3);
  });
});
