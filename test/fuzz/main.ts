/**
 * npm run fuzz -- --runs 1000000 --seed 7 [--only "part of a name"]
 * Spreads the runs over all targets and prints a table. Ends with 1 and the smallest failing input when a property does not hold.
 */
import { parseArgs } from "node:util";
import * as fc from "fast-check";
import { TARGETS } from "./targets";

const { values } = parseArgs({
  options: { runs: { type: "string" }, seed: { type: "string" }, only: { type: "string" } },
});
const runs = wholeNumber("runs", values.runs ?? "100000");
const seed = wholeNumber("seed", values.seed ?? String(Date.now() % 2 ** 31));
const chosen = TARGETS.filter(({ name }) => name.includes(values.only ?? ""));
const shares = chosen.reduce((sum, { share }) => sum + share, 0);

async function main(): Promise<void> {
  console.log(`seed ${seed}, ${runs} runs over ${chosen.length} targets`);
  let inputs = 0;
  let failures = 0;
  let peakMiB = 0;
  for (const { name, share, property } of chosen) {
    const numRuns = Math.ceil((runs * share) / shares);
    const startedMs = performance.now();
    const result = await fc.check(property, { numRuns, seed });
    const seconds = (performance.now() - startedMs) / 1000;
    inputs += result.numRuns;
    peakMiB = Math.max(peakMiB, process.memoryUsage.rss() / 2 ** 20);
    console.log(`${result.failed ? "FAILED" : "ok"}\t${result.numRuns}\t${seconds.toFixed(1)} s\t${name}`);
    if (!result.failed) continue;
    failures++;
    console.log(fc.defaultReportMessage(result));
  }
  console.log(
    `${inputs} inputs, ${failures} of ${chosen.length} targets failed, at most ${peakMiB.toFixed(0)} MiB in memory`,
  );
  process.exitCode = failures > 0 ? 1 : 0;
}

function wholeNumber(name: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new Error(`--${name} must be a whole number, got "${text}"`);
}

void main();
