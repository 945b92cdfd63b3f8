import assert from "node:assert/strict";
import { drawScenario, seedOf } from "./draw";
import { runScenario } from "./run";
import { TROUBLES } from "./scenario";

const RUNS = 200;
const RECOVERY_RUNS = 20;
const SEED = 1;

describe("fault campaign", () => {
  it(`leaves no device worse than it was found in ${RUNS} updates under faults`, async () => {
    const failed: string[] = [];
    const faults = new Set<string>();
    let confirmed = 0;
    for (let run = 0; run < RUNS; run++) {
      const result = await runScenario(drawScenario(seedOf(SEED, run)));
      for (const kind of result.faults.keys()) faults.add(kind);
      if (result.ended === "confirmed") confirmed++;
      if (result.violations.length === 0) continue;
      failed.push(`npm run faults -- --seed ${SEED} --only ${run} --verbose: ${result.violations.join("; ")}`);
    }
    assert.deepEqual(failed, []);
    // The runs were neither too easy nor hopeless.
    assert.deepEqual(
      TROUBLES.filter((kind) => !faults.has(kind)),
      [],
    );
    assert.ok(confirmed > RUNS * 0.25 && confirmed < RUNS * 0.9, `${confirmed} confirmed at the first attempt`);
  }).timeout(240_000);

  it("brings a device in MCUboot's recovery to a running firmware, or leaves it where it can be had again", async () => {
    const failed: string[] = [];
    for (let run = 0; run < RECOVERY_RUNS; run++) {
      const { violations } = await runScenario(drawScenario(seedOf(SEED, run), { inRecovery: true }));
      if (violations.length > 0) failed.push(`--seed ${SEED} --only ${run} --recovery: ${violations.join("; ")}`);
    }
    assert.deepEqual(failed, []);
  }).timeout(60_000);

  it("is the same each time", async () => {
    const scenario = drawScenario(seedOf(SEED, 30));
    const [first, second] = [await runScenario(scenario), await runScenario(scenario)];
    assert.ok(first.timeline.length > 10);
    assert.deepEqual(first.timeline, second.timeline);
  });
});
