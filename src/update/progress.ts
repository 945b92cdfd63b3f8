/** Where an upload stands, with a smoothed rate. */
import { nowMs } from "../clock";
import type { UploadPhase, UploadProgress } from "./types";

/** The rate forgets what was this long ago. */
const SMOOTHING_MS = 3_000;
/** Acknowledgements in shorter intervals are measured together. */
const SAMPLE_MS = 100;

export class ProgressMeter {
  retries = 0;
  phase: UploadPhase = "checking";
  readonly #lenBytes: number;
  readonly #onProgress: ((progress: UploadProgress) => void) | undefined;
  #offBytes = 0;
  #bytesPerSecond = 0;
  #sample = { sinceMs: nowMs(), fromBytes: 0 };

  constructor(lenBytes: number, onProgress: ((progress: UploadProgress) => void) | undefined) {
    this.#lenBytes = lenBytes;
    this.#onProgress = onProgress;
  }

  enter(phase: UploadPhase): void {
    this.phase = phase;
    this.#report();
  }

  /** The upload begins, or goes on, at an offset; what lies before it took no time. */
  start(offBytes: number): void {
    this.#offBytes = offBytes;
    this.#sample = { sinceMs: nowMs(), fromBytes: offBytes };
    this.enter("uploading");
  }

  advance(offBytes: number): void {
    this.#offBytes = offBytes;
    this.#measure();
    this.#report();
  }

  retried(): void {
    this.retries++;
    this.#report();
  }

  #measure(): void {
    const { sinceMs, fromBytes } = this.#sample;
    const tookMs = nowMs() - sinceMs;
    if (tookMs < SAMPLE_MS) return;
    const sampled = ((this.#offBytes - fromBytes) * 1000) / tookMs;
    const weight = this.#bytesPerSecond === 0 ? 1 : 1 - Math.exp(-tookMs / SMOOTHING_MS);
    this.#bytesPerSecond += (sampled - this.#bytesPerSecond) * weight;
    this.#sample = { sinceMs: nowMs(), fromBytes: this.#offBytes };
  }

  #report(): void {
    const rate = this.#bytesPerSecond;
    this.#onProgress?.({
      phase: this.phase,
      offBytes: this.#offBytes,
      lenBytes: this.#lenBytes,
      bytesPerSecond: Math.round(rate),
      etaMs: rate > 0 ? Math.round(((this.#lenBytes - this.#offBytes) * 1000) / rate) : undefined,
      retries: this.retries,
    });
  }
}
