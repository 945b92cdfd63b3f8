/** Whole updates under faults; see USAGE. */
import { parseArgs } from "node:util";
import type { BootMode } from "../../src/device/image-options";
import { runCommand } from "../command-line";
import { drawScenario, seedOf } from "./draw";
import { runScenario, type RunResult } from "./run";
import { LINKS, MODES, TROUBLES, type LinkKind, type Scenario } from "./scenario";

const USAGE = `npm run faults -- --runs 10000 --seed 1

  --runs N      how many updates, default 200
  --seed S      of the campaign, default 1; the same seed gives the same runs
  --first N     the run to begin with, default 0
  --only N      this run alone
  --verbose     the timeline of runs in which something must not be: the first five, or the only one
  --link KIND   for all runs: ${LINKS.join(", ")}
  --mode MODE   for all runs: ${MODES.join(", ")}
  --recovery    all devices begin in MCUboot's serial recovery

Ends with what struck and how the updates ended, and with exit code 1 when an invariant was violated.`;

const SHOWN_FAILURES = 5;

interface Settings {
  readonly seed: number;
  readonly first: number;
  readonly runs: number;
  readonly isOnly: boolean;
  readonly isVerbose: boolean;
  readonly fixed: Partial<Scenario>;
}

/** @returns undefined when only the usage is wanted. @throws Error for what is no option, or no value of one */
function readSettings(): Settings | undefined {
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
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return undefined;
  const isOnly = values.only !== undefined;
  return {
    seed: wholeNumber("seed", values.seed),
    first: wholeNumber("first", values.only ?? values.first),
    runs: isOnly ? 1 : wholeNumber("runs", values.runs),
    isOnly,
    isVerbose: values.verbose,
    fixed: {
      ...(values.link !== undefined && { link: oneOf<LinkKind>("link", LINKS, values.link) }),
      ...(values.mode !== undefined && { mode: oneOf<BootMode>("mode", MODES, values.mode) }),
      ...(values.recovery && { inRecovery: true }),
    },
  };
}

function wholeNumber(name: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new Error(`--${name} must be a whole number, got "${text}"`);
}

function oneOf<T extends string>(name: string, known: readonly T[], text: string): T {
  const found = known.find((each) => each === text);
  if (found !== undefined) return found;
  throw new Error(`--${name} must be one of ${known.join(", ")}, got "${text}"`);
}

/** How often something was, and in how many runs. */
class Tally {
  readonly #counts = new Map<string, { times: number; runs: number }>();

  constructor(kinds: readonly string[] = []) {
    for (const kind of kinds) this.add(kind, 0);
  }

  add(kind: string, times = 1): void {
    const before = this.#counts.get(kind) ?? { times: 0, runs: 0 };
    this.#counts.set(kind, { times: before.times + times, runs: before.runs + (times > 0 ? 1 : 0) });
  }

  lines(write: (kind: string, times: number, runs: number) => string): string[] {
    return [...this.#counts]
      .toSorted((a, b) => b[1].runs - a[1].runs)
      .map(([kind, { times, runs }]) => write(kind, times, runs));
  }
}

class Summary {
  readonly #seed: number;
  readonly #faults = new Tally(TROUBLES);
  readonly #ended = new Tally();
  readonly failed: number[] = [];
  #runs = 0;
  #virtualMs = 0;

  constructor(seed: number) {
    this.#seed = seed;
  }

  add(run: number, { virtualMs, ended, faults, violations }: RunResult): void {
    this.#runs++;
    this.#virtualMs += virtualMs;
    this.#ended.add(ended);
    for (const [kind, times] of faults) this.#faults.add(kind, times);
    if (violations.length === 0) return;
    this.failed.push(run);
    console.log(`run ${run} of seed ${this.#seed}: ${violations.join("\n    ")}`);
    console.log(`    npm run faults -- --seed ${this.#seed} --only ${run} --verbose`);
  }

  print(elapsedMs: number): void {
    const hours = (this.#virtualMs / 3_600_000).toFixed(0);
    console.log(`${this.#runs} runs in ${(elapsedMs / 1000).toFixed(1)} s, ${hours} h of virtual time`);
    console.log("faults that struck, how often and in how many runs:");
    for (const line of this.#faults.lines((...row) => row.join("\t"))) console.log(`  ${line}`);
    console.log(`first attempts ended: ${this.#ended.lines((kind, times) => `${kind} ${times}`).join(", ")}`);
    const count = this.failed.length;
    console.log(count === 0 ? "no invariant was violated" : `VIOLATED in ${count} runs: ${this.failed.join(" ")}`);
  }
}

function print({ scenario, timeline }: RunResult): void {
  console.log(JSON.stringify(scenario));
  for (const line of timeline) console.log(line);
}

async function main({ seed, first, runs, fixed, isOnly, isVerbose }: Settings): Promise<void> {
  const startMs = Date.now();
  const summary = new Summary(seed);
  for (let run = first; run < first + runs; run++) {
    const result = await runScenario(drawScenario(seedOf(seed, run), fixed));
    summary.add(run, result);
    const isShown = isOnly || (result.violations.length > 0 && summary.failed.length <= SHOWN_FAILURES);
    if (isVerbose && isShown) print(result);
  }
  summary.print(Date.now() - startMs);
  process.exitCode = summary.failed.length > 0 ? 1 : 0;
}

runCommand(USAGE, readSettings, main);
