/**
 * What work costs this process, and how long others wait for their turn meanwhile. CPU is measured in a run without the
 * other gauges: to look at the event loop each millisecond costs more than a quiet upload.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { monitorEventLoopDelay } from "node:perf_hooks";

type Work = () => Promise<unknown>;

const SAMPLE_MS = 20;
const RESTING_TURNS = 5;
/** Of the event loop's monitor: it counts its own interval into the delay. */
const RESOLUTION_MS = 1;
const NS_PER_MS = 1e6;

/** Another process that does nothing: what it waits for its turn is the machine's doing. */
class Bystander {
  readonly #child = spawn(process.execPath, [__filename], { stdio: ["pipe", "pipe", "inherit"] });

  async start(): Promise<void> {
    await once(this.#child.stdout, "data");
  }

  async stop(): Promise<number> {
    this.#child.stdin.end();
    const [text] = (await once(this.#child.stdout, "data")) as [Buffer];
    return Number(String(text));
  }
}

if (require.main === module) {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  console.log("ready");
  process.stdin.resume().on("end", () => {
    console.log(delayMs(delay.percentile(99)));
    process.exit();
  });
}

/** Heap and buffers in use, after a garbage collection; run with --expose-gc. */
export function liveBytes(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  return usedBytes();
}

/** The same once all is gone that goes later than at once: buffers, code that nobody runs any more. */
export async function restingBytes(): Promise<number> {
  for (let turn = 0; turn < RESTING_TURNS; turn++) {
    liveBytes();
    await new Promise((resolve) => setTimeout(resolve, SAMPLE_MS));
  }
  return liveBytes();
}

function usedBytes(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

export interface Cost {
  readonly elapsedMs: number;
  /** Of this process, its garbage collection included. */
  readonly cpuMs: number;
}

export async function costOf(work: Work): Promise<Cost> {
  liveBytes();
  const cpu = process.cpuUsage();
  const startMs = performance.now();
  await work();
  const elapsedMs = performance.now() - startMs;
  const { user, system } = process.cpuUsage(cpu);
  return { elapsedMs, cpuMs: (user + system) / 1000 };
}

/** @returns the most that heap and buffers held beyond the start, garbage included */
export async function peakBytesOf(work: Work): Promise<number> {
  const baseBytes = await restingBytes();
  let peakBytes = 0;
  const sampler = setInterval(() => (peakBytes = Math.max(peakBytes, usedBytes() - baseBytes)), SAMPLE_MS);
  await work();
  clearInterval(sampler);
  return peakBytes;
}

export interface Delays {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Of a process that did nothing at the same time. */
  readonly idleP99Ms: number;
}

export async function delaysOf(work: Work): Promise<Delays> {
  const bystander = new Bystander();
  await bystander.start();
  liveBytes();
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  await work();
  delay.disable();
  return {
    p50Ms: delayMs(delay.percentile(50)),
    p99Ms: delayMs(delay.percentile(99)),
    maxMs: delayMs(delay.max),
    idleP99Ms: await bystander.stop(),
  };
}

function delayMs(ns: number): number {
  return Math.max(0, ns / NS_PER_MS - RESOLUTION_MS);
}
