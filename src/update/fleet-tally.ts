/** Counts the devices of a fleet: who runs, how far, and how they ended. */
import type { FleetCounts, FleetProgress, FleetResult } from "./fleet-types";
import { RunRecord } from "./run-record";
import type { DeviceProgress, UpdateResult } from "./run-types";
import type { UpdateVerdict } from "./types";

export class FleetTally {
  readonly #devices: readonly string[];
  readonly #running = new Map<string, DeviceProgress>();
  readonly #results = new Map<string, UpdateResult>();
  #ok = 0;
  #failures = 0;
  #percent = 0;

  constructor(devices: readonly string[]) {
    this.#devices = devices;
  }

  /** Devices that count against the limit of failures. */
  get failures(): number {
    return this.#failures;
  }

  hasEnded(device: string): boolean {
    return this.#results.has(device);
  }

  report(progress: DeviceProgress): void {
    this.#running.set(progress.device, progress);
  }

  end(result: UpdateResult): void {
    this.#running.delete(result.device);
    this.#results.set(result.device, result);
    if (result.ok) this.#ok += 1;
    else if (result.verdict !== "refused-downgrade" && result.verdict !== "not-started") this.#failures += 1;
  }

  notStarted(device: string, because: string): UpdateResult {
    const { evidence } = new RunRecord();
    return { device, ok: false, verdict: "not-started", because: `the update was not begun: ${because}`, evidence };
  }

  progress(paused: boolean, elapsedMs: number): FleetProgress {
    const running = [...this.#running.values()];
    const sum = running.reduce((total, { percent }) => total + percent, this.#results.size * 100);
    this.#percent = Math.max(this.#percent, Math.min(99, Math.floor(sum / Math.max(1, this.#devices.length))));
    const etaMs = this.#percent > 0 ? { etaMs: Math.round((elapsedMs * (100 - this.#percent)) / this.#percent) } : {};
    const only = this.#devices.length === 1 ? running[0]?.etaMs : undefined;
    const eta = only === undefined ? etaMs : { etaMs: only };
    return { percent: this.#percent, devices: this.#counts(), running, paused, elapsedMs, ...eta };
  }

  result(stoppedBecause: string | undefined, elapsedMs: number): FleetResult {
    const devices = this.#devices.map((device) => this.#results.get(device)!);
    const counts: Partial<Record<UpdateVerdict, number>> = {};
    for (const { verdict } of devices) counts[verdict] = (counts[verdict] ?? 0) + 1;
    const stopped = stoppedBecause !== undefined && devices.some(({ verdict }) => verdict === "not-started");
    return { ok: devices.every(({ ok }) => ok), counts, devices, ...(stopped && { stoppedBecause }), elapsedMs };
  }

  #counts(): FleetCounts {
    const total = this.#devices.length;
    const done = this.#results.size;
    const running = this.#running.size;
    return { total, done, ok: this.#ok, failed: this.#failures, running, waiting: total - done - running };
  }
}
