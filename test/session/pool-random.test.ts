import assert from "node:assert/strict";
import { after, sleep } from "../../src/clock";
import { SmpError } from "../../src/errors";
import { os } from "../../src/smp/commands";
import { randomFrom } from "../random";
import { useFakeTime } from "./fake-time";
import { zephyr } from "./scripted-link";
import { makePool, operation } from "./scripted-transport";

const SEEDS = 15;
const OPERATIONS = 60;
const DEVICES = ["a", "b", "c", "d", "e", "f"];
const MAX_SESSIONS = 3;
const EXPECTED = ["SMP_ABORTED", "SMP_LINK_OPEN", "SMP_LINK_LOST", "SMP_TIMEOUT", "SMP_POOL_FULL", "SMP_BUSY"];

describe("pool: in random use", () => {
  const time = useFakeTime();

  it(`keeps its promises in ${SEEDS} runs of failing, silent, lost and aborted devices`, async () => {
    let succeeded = 0;
    let failed = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      const counts = await runOnce(randomFrom(seed));
      succeeded += counts.succeeded;
      failed += counts.failed;
    }
    // The runs were neither too easy nor hopeless.
    assert.ok(succeeded > SEEDS * OPERATIONS * 0.2, `${succeeded} succeeded`);
    assert.ok(failed > SEEDS * OPERATIONS * 0.2, `${failed} failed`);
  });

  async function runOnce(random: () => number): Promise<{ succeeded: number; failed: number }> {
    const { pool, transport } = makePool({ maxSessions: MAX_SESSIONS, idleCloseMs: 50, roomTimeoutMs: 2_000 });
    const among = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!;
    const chance = (share: number): boolean => random() < share;
    transport.opening = async (_, signal) => {
      await sleep(random() * 30, signal);
      if (chance(0.15)) throw new Error("does not open");
      assert.ok(transport.stillOpen.length < MAX_SESSIONS, transport.stillOpen.join());
    };
    transport.closing = () => sleep(random() * 20);
    transport.script = (request, link) => {
      if (chance(0.03)) link.lose();
      else if (chance(0.95)) after(random() * 20, () => link.answer(request, zephyr(request)));
    };

    const working = new Set<string>();
    const use = async (name: string, signal: AbortSignal): Promise<void> => {
      await pool.use(name, operation(among(["x", "y"]), { signal, sole: chance(0.1) }), async (device) => {
        assert.ok(!working.has(name), `two operations on ${name}`);
        working.add(name);
        try {
          for (let step = 0; step < 3; step++) {
            const session = await device.session();
            const d = `${name} ${step}`;
            assert.equal((await session.request(os.echo, { d }, { timeoutMs: 100, signal })).r, d);
            if (chance(0.1)) await device.drop();
          }
        } finally {
          working.delete(name);
        }
      });
    };

    const outcomes: Promise<unknown>[] = [];
    for (let count = 0; count < OPERATIONS; count++) {
      const controller = new AbortController();
      if (chance(0.2)) after(random() * 300, () => controller.abort());
      outcomes.push(use(among(DEVICES), controller.signal).catch((error: unknown) => error));
      if (chance(0.3)) await time.pass(random() * 100);
    }
    await time.pass(120_000);
    const failures = (await Promise.all(outcomes)).filter((error) => error !== undefined);
    for (const error of failures) {
      assert.ok(error instanceof SmpError && EXPECTED.includes(error.code), error as Error);
    }
    assert.deepEqual(transport.stillOpen, [], "idle sessions were closed");
    assert.equal(time.pending(), 0, "no timer is left");
    await pool.close();
    return { succeeded: OPERATIONS - failures.length, failed: failures.length };
  }
});
