import type { Learnt } from "../session/learnt";

/** How long a reset keeps a device away: told from the last one of its kind. */
export class Absence {
  readonly #learnt: Learnt;
  readonly #isSwapExpected: boolean;

  constructor(learnt: Learnt, isSwapExpected: boolean) {
    this.#learnt = learnt;
    this.#isSwapExpected = isSwapExpected;
  }

  get #last(): "swapMs" | "bootMs" {
    return this.#isSwapExpected ? "swapMs" : "bootMs";
  }

  /** Until the device is back; undefined while nobody knows. */
  etaMs(elapsedMs: number): number | undefined {
    const lastMs = this.#learnt[this.#last];
    return lastMs === undefined ? undefined : Math.max(0, lastMs - elapsedMs);
  }

  lasted(ms: number): void {
    this.#learnt[this.#last] = ms;
    // Another firmware may have other buffers.
    if (this.#isSwapExpected) this.#learnt.frames = undefined;
  }
}
