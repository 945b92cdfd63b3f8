/** Any input, in any number; see USAGE. */
import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import * as fc from "fast-check";
import { runCommand } from "../command-line";
import { TARGETS } from "./targets";

const USAGE = `npm run fuzz -- --runs 1000000 --seed 7 [--only "part of a name"]

Spreads the runs over all targets and prints a table. Ends with 1 and the smallest failing input when a property does not hold,
or when a target leaves memory behind.`;

/** A target that keeps 40 bytes of each of 20,000 inputs leaves more; the compiler's own growth is less. */
const MAX_LEFT_BYTES = 16 * 2 ** 20;

interface Settings {
  readonly runs: number;
  readonly seed: number;
  readonly only: string;
}

/** @returns undefined when only the usage is wanted. @throws Error for what is no option, or no value of one */
function readSettings(): Settings | undefined {
  const { values } = parseArgs({
    options: {
      runs: { type: "string", default: "100000" },
      seed: { type: "string", default: String(Date.now() % 2 ** 31) },
      only: { type: "string", default: "" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return undefined;
  return { runs: wholeNumber("runs", values.runs), seed: wholeNumber("seed", values.seed), only: values.only };
}

function wholeNumber(name: string, text: string): number {
  if (/^\d{1,10}$/.test(text)) return Number(text);
  throw new Error(`--${name} must be a whole number, got "${text}"`);
}

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** What is really in use: objects and the bytes of buffers. */
function bytesInUse(): number {
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

async function main({ runs, seed, only }: Settings): Promise<void> {
  const chosen = TARGETS.filter(({ name }) => name.includes(only));
  const shares = chosen.reduce((sum, { share }) => sum + share, 0);
  console.log(`seed ${seed}, ${runs} runs over ${chosen.length} targets`);
  let [inputs, failures, peakBytes] = [0, 0, 0];
  for (const { name, share, property } of chosen) {
    const numRuns = Math.ceil((runs * share) / shares);
    // Code and tables that are made once.
    await fc.check(property, { numRuns: 20, seed: seed + 1 });
    const beforeBytes = bytesInUse();
    const startedMs = performance.now();
    const result = await fc.check(property, { numRuns, seed });
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
    peakBytes = Math.max(peakBytes, process.memoryUsage.rss());
    inputs += result.numRuns;
    if (result.failed) console.log(fc.defaultReportMessage(result));
    const leftBytes = bytesInUse() - beforeBytes;
    const isWell = !result.failed && leftBytes < MAX_LEFT_BYTES;
    if (!isWell) failures++;
    const row = [isWell ? "ok" : "FAILED", result.numRuns, `${seconds} s`, `${(leftBytes / 1024).toFixed(0)} KiB left`];
    console.log([...row, name].join("\t"));
  }
  const peakMiB = (peakBytes / 2 ** 20).toFixed(0);
  console.log(`${inputs} inputs, ${failures} of ${chosen.length} targets failed, at most ${peakMiB} MiB in memory`);
  process.exitCode = failures > 0 ? 1 : 0;
}

runCommand(USAGE, readSettings, main);
