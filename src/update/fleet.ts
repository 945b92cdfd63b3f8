/** The same update on many devices, from one source: some side by side, the canaries first. */
import { abortReason, nowMs } from "../clock";
import { SmpError, toSmpError } from "../errors";
import type { SessionPool } from "../session/types";
import { Brake } from "./brake";
import { FleetTally } from "./fleet-tally";
import type { DevicePlan, FleetOptions, FleetPlan, FleetProgress, FleetResult } from "./fleet-types";
import { planDevice, runUpdate } from "./run-update";
import type { UpdateResult } from "./run-types";
import { SwapTimes } from "./swap-times";

const LIMIT = 8;

/** One update of many devices of a pool: so many side by side, canaries first, paused and aborted as a whole or one by one. */
export class Fleet {
  readonly #pool: SessionPool;
  /** As they were given, by the pool's key. */
  readonly #byKey: ReadonlyMap<string, string>;
  readonly #devices: readonly string[];
  readonly #options: FleetOptions;
  readonly #tally: FleetTally;
  readonly #brakes = new Map<string, Brake>();
  readonly #stops = new Map<string, AbortController>();
  readonly #swapTimes: SwapTimes;
  readonly #startMs = nowMs();
  #stoppedBecause: string | undefined;

  /** @param devices addresses as the pool takes them; one that is named twice is updated once */
  constructor(pool: SessionPool, devices: readonly string[], options: FleetOptions) {
    this.#pool = pool;
    this.#byKey = byKey(pool, devices);
    this.#devices = [...this.#byKey.values()];
    this.#options = options;
    this.#swapTimes = options.swapTimes ?? new SwapTimes();
    this.#tally = new FleetTally(this.#devices);
  }

  /** @returns never rejects: each device has its verdict, also one that was never begun */
  async run(): Promise<FleetResult> {
    const { canary = 0, maxFailures } = this.#options;
    await this.#untilAbort(async () => {
      const first = this.#devices.slice(0, canary);
      await this.#runAll(first, maxFailures ?? 1);
      await this.#runAll(this.#devices.slice(first.length), maxFailures ?? Infinity);
    });
    return this.#tally.result(this.#stoppedBecause, Math.round(nowMs() - this.#startMs));
  }

  /**
   * What {@link run} would do on each device, and why; nothing is touched.
   * @returns never rejects: an error of a device is told as such
   */
  async plan(): Promise<FleetPlan> {
    const plans = new Map<string, DevicePlan>();
    const { limit = LIMIT } = this.#options;
    const planOne = async (device: string): Promise<void> => {
      const { signal } = this.#stopOf(device);
      const plan = await planDevice(this.#pool, device, { ...this.#options, signal }).then(
        (made): DevicePlan => ({ device, plan: made }),
        (error: unknown): DevicePlan => ({ device, error: { device, ...toSmpError(error).report() } }),
      );
      plans.set(device, plan);
    };
    await this.#untilAbort(() => sideBySide(this.#devices, { limit }, planOne));
    return { dryRun: true, devices: this.#devices.map((device) => plans.get(device)!) };
  }

  get progress(): FleetProgress {
    const left = this.#devices.filter((device) => !this.#tally.hasEnded(device));
    const isPaused = left.length > 0 && left.every((device) => this.#brakeOf(device).isOn);
    return this.#tally.progress(isPaused, Math.round(nowMs() - this.#startMs));
  }

  get devices(): readonly string[] {
    return this.#devices;
  }

  /** A device as it was given, by any of its names. */
  find(device: string): string | undefined {
    return this.#byKey.get(keyOf(this.#pool, device));
  }

  /**
   * One device, or all: it is not begun, and does not go beyond its upload; past its marks it goes on to its verdict.
   * @param device as it was given
   */
  pause(device?: string): void {
    for (const each of this.#named(device)) this.#brakeOf(each).pause();
    this.#options.onProgress?.();
  }

  resume(device?: string): void {
    for (const each of this.#named(device)) this.#brakeOf(each).resume();
    this.#options.onProgress?.();
  }

  /** Stops one device, or all. @param device as it was given */
  abort(reason: SmpError, device?: string): void {
    if (device === undefined) this.#stoppedBecause ??= reason.message;
    for (const each of this.#named(device)) this.#stopOf(each).abort(reason);
  }

  async #untilAbort(work: () => Promise<void>): Promise<void> {
    const { signal } = this.#options;
    const onAbort = (): void => this.abort(abortReason(signal!) as SmpError);
    if (signal?.aborted) onAbort();
    signal?.addEventListener("abort", onAbort, { once: true });
    await work().finally(() => signal?.removeEventListener("abort", onAbort));
  }

  async #runAll(devices: readonly string[], maxFailures: number): Promise<void> {
    const isHeld = (device: string): boolean => this.#brakeOf(device).isOn;
    await sideBySide(devices, { limit: this.#options.limit ?? LIMIT, isHeld }, async (device) => {
      await this.#update(device);
      const { failures } = this.#tally;
      if (failures >= Math.max(1, maxFailures)) this.#stoppedBecause ??= tooMany(failures);
    });
  }

  async #update(device: string): Promise<void> {
    const { signal } = this.#stopOf(device);
    await this.#brakeOf(device)
      .released(signal)
      .catch(() => undefined);
    const result = await this.#resultOf(device, signal);
    this.#stops.delete(device);
    this.#tally.end(result);
    this.#options.onResult?.(result);
    this.#options.onProgress?.();
  }

  async #resultOf(device: string, signal: AbortSignal): Promise<UpdateResult> {
    if (signal.aborted) return this.#tally.notStarted(device, (abortReason(signal) as SmpError).message);
    if (this.#stoppedBecause !== undefined) return this.#tally.notStarted(device, this.#stoppedBecause);
    return runUpdate(this.#pool, device, {
      ...this.#options,
      signal,
      brake: this.#brakeOf(device),
      swapTimes: this.#swapTimes,
      onProgress: (progress) => {
        this.#tally.report(progress);
        this.#options.onProgress?.();
      },
    });
  }

  #named(device: string | undefined): readonly string[] {
    return device === undefined ? this.#devices : [device];
  }

  #brakeOf(device: string): Brake {
    const known = this.#brakes.get(device) ?? new Brake();
    this.#brakes.set(device, known);
    return known;
  }

  #stopOf(device: string): AbortController {
    const known = this.#stops.get(device) ?? new AbortController();
    this.#stops.set(device, known);
    return known;
  }
}

interface SideBySide {
  readonly limit: number;
  /** An item that has to wait, so that others go first. */
  readonly isHeld?: (item: string) => boolean;
}

async function sideBySide(
  items: readonly string[],
  { limit, isHeld = () => false }: SideBySide,
  work: (item: string) => Promise<void>,
): Promise<void> {
  const waiting = [...items];
  const next = (): string | undefined => {
    const free = waiting.findIndex((item) => !isHeld(item));
    return waiting.splice(Math.max(0, free), 1)[0];
  };
  const worker = async (): Promise<void> => {
    for (let item = next(); item !== undefined; item = next()) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
}

function tooMany(failures: number): string {
  return failures === 1 ? "a device has failed" : `${failures} devices have failed`;
}

/** One that is named twice counts once. What the pool does not know keeps its own verdict. */
function byKey(pool: SessionPool, devices: readonly string[]): Map<string, string> {
  const named = new Map<string, string>();
  for (const device of devices) {
    const key = keyOf(pool, device);
    if (!named.has(key)) named.set(key, device);
  }
  return named;
}

function keyOf(pool: SessionPool, device: string): string {
  try {
    return pool.key(device);
  } catch (error) {
    if (error instanceof SmpError && error.code !== "SMP_CLOSED") return `unknown ${device}`;
    throw error;
  }
}
