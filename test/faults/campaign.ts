/**
 * npm run faults -- --runs 10000 --seed 1 [--first 0] [--only RUN] [--verbose] [--link console] [--mode swap-move] [--recovery]
 *
 * Ends with a summary, and with exit code 1 when an invariant was violated.
 */
import { parseArgs } from "node:util";
import { runScenario, type RunResult } from "./run";
import { drawScenario, seedOf, type Scenario } from "./scenario";

const SHOWN_FAILURES = 5;

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "200" },
    seed: { type: "string", default: "1" },
    first: { type: "string", default: "0" },
    only: { type: "string" },
    verbose: { type: "boolean", default: false },
    link: { type: "string" },
    mode: { type: "string" },
    recovery: { type: "boolean", default: false },
  },
});

const campaignSeed = Number(values.seed);
const fixed = {
  ...(values.link !== undefined && { link: values.link }),
  ...(values.mode !== undefined && { mode: values.mode }),
  ...(values.recovery && { inRecovery: true }),
} as Partial<Scenario>;

class Summary {
  readonly ended = new Map<string, number>();
  readonly faults = new Map<string, number>();
  readonly failed: number[] = [];
  runs = 0;
  virtualMs = 0;

  add(run: number, result: RunResult): void {
    this.runs++;
    this.virtualMs += result.virtualMs;
    count(this.ended, result.ended);
    for (const [kind, times] of result.faults) count(this.faults, kind, times);
    if (result.violations.length === 0) return;
    this.failed.push(run);
    console.log(`run ${run} of seed ${campaignSeed}: ${result.violations.join("\n    ")}`);
    if (this.failed.length <= SHOWN_FAILURES && values.verbose) print(result);
    console.log(`    npm run faults -- --seed ${campaignSeed} --only ${run} --verbose`);
  }

  print(elapsedMs: number): void {
    console.log(
      `${this.runs} runs in ${(elapsedMs / 1000).toFixed(1)} s, ${(this.virtualMs / 3_600_000).toFixed(0)} h of virtual time`,
    );
    console.log(`faults: ${table(this.faults)}`);
    console.log(`first attempts ended: ${table(this.ended)}`);
    console.log(
      this.failed.length === 0
        ? "no invariant was violated"
        : `VIOLATED in ${this.failed.length} runs: ${this.failed.join(" ")}`,
    );
  }
}

function count(counts: Map<string, number>, key: string, times = 1): void {
  counts.set(key, (counts.get(key) ?? 0) + times);
}

function table(counts: ReadonlyMap<string, number>): string {
  return [...counts]
    .toSorted((a, b) => b[1] - a[1])
    .map(([key, times]) => `${key} ${times}`)
    .join(", ");
}

function print({ scenario, timeline }: RunResult): void {
  console.log(JSON.stringify(scenario));
  for (const line of timeline) console.log(line);
}

async function main(): Promise<void> {
  const startMs = Date.now();
  const summary = new Summary();
  const first = Number(values.only ?? values.first);
  const runs = values.only === undefined ? Number(values.runs) : 1;
  for (let run = first; run < first + runs; run++) {
    const result = await runScenario(drawScenario(seedOf(campaignSeed, run), fixed));
    if (values.only !== undefined && values.verbose && result.violations.length === 0) print(result);
    summary.add(run, result);
  }
  summary.print(Date.now() - startMs);
  process.exitCode = summary.failed.length > 0 ? 1 : 0;
}

void main();
