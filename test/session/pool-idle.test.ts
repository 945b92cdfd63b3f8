import assert from "node:assert/strict";
import { os } from "../../src/smp/commands";
import type { SessionPool } from "../../src/session/types";
import { useFakeTime } from "./fake-time";
import { Gate, makePool, operation } from "./scripted-transport";

const use = (pool: SessionPool) =>
  pool.use("a", operation("x"), async (device) => (await device.session()).request(os.echo, { d: "x" }));

describe("pool: an idle session", () => {
  const time = useFakeTime();

  it("is closed after a while", async () => {
    const { pool, transport } = makePool({ idleCloseMs: 1_000 });
    await use(pool);
    await time.pass(999);
    assert.deepEqual(transport.stillOpen, ["a"]);
    await time.pass(1);
    assert.deepEqual(transport.stillOpen, []);
    assert.deepEqual(pool.status()[0], {
      key: "a",
      link: "closed",
      running: undefined,
      waiting: [],
      lastError: undefined,
    });
    assert.equal(await use(pool).then(({ r }) => r), "x");
  });

  it("counts from the last operation, and never while one runs", async () => {
    const { pool, transport } = makePool({ idleCloseMs: 1_000 });
    await use(pool);
    await time.pass(900);
    const gate = new Gate();
    const long = pool.use("a", operation("long"), () => gate.passed);
    await time.pass(5_000);
    assert.deepEqual(transport.stillOpen, ["a"]);
    gate.open();
    await long;
    await time.pass(900);
    await use(pool);
    await time.pass(900);
    assert.deepEqual(transport.stillOpen, ["a"]);
    assert.deepEqual(transport.attempts, ["a"]);
  });

  it("stays open when the time is beyond what timers take", async () => {
    const { pool, transport } = makePool({ idleCloseMs: Infinity });
    await use(pool);
    await time.pass(60_000);
    assert.deepEqual(transport.stillOpen, ["a"]);
  });
});

describe("pool: an idle session in real time", () => {
  it("does not keep the process alive", async () => {
    const { pool } = makePool();
    await new Promise((resolve) => setImmediate(resolve));
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
    const before = timers();
    await pool.use("a", operation("x"), (device) => device.session());
    assert.equal(pool.status()[0]!.link, "open");
    assert.equal(timers(), before);
    await pool.close();
  });
});
