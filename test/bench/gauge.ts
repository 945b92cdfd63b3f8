/** What work costs this process: time, CPU, memory, and how long others wait for their turn meanwhile. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { monitorEventLoopDelay } from "node:perf_hooks";

const SAMPLE_MS = 20;
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

export interface Cost {
  readonly elapsedMs: number;
  readonly cpuMs: number;
  /** Most that heap and buffers held beyond the start, garbage included. */
  readonly peakBytes: number;
  readonly delayP50Ms: number;
  readonly delayP99Ms: number;
  readonly delayMaxMs: number;
  /** Of a process that did nothing at the same time. */
  readonly idleP99Ms: number;
}

/** Heap and buffers in use, after a garbage collection; run with --expose-gc. */
export function liveBytes(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  return usedBytes();
}

function usedBytes(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

export async function gauge(work: () => Promise<unknown>): Promise<Cost> {
  const bystander = new Bystander();
  await bystander.start();
  const baseBytes = liveBytes();
  let peakBytes = 0;
  const sampler = setInterval(() => (peakBytes = Math.max(peakBytes, usedBytes() - baseBytes)), SAMPLE_MS);
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  const cpu = process.cpuUsage();
  const startMs = performance.now();
  await work();
  const elapsedMs = performance.now() - startMs;
  const { user, system } = process.cpuUsage(cpu);
  delay.disable();
  clearInterval(sampler);
  return {
    elapsedMs,
    cpuMs: (user + system) / 1000,
    peakBytes,
    delayP50Ms: delayMs(delay.percentile(50)),
    delayP99Ms: delayMs(delay.percentile(99)),
    delayMaxMs: delayMs(delay.max),
    idleP99Ms: await bystander.stop(),
  };
}

function delayMs(ns: number): number {
  return Math.max(0, ns / NS_PER_MS - RESOLUTION_MS);
}
