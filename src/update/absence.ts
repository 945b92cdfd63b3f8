import type { Learnt } from "../session/learnt";

/** Of the last absence: as much again for one that takes longer. */
const MARGIN = 2;

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

  /** How long to wait for the device: `usualMs`, more only when it was seen to take so long. */
  patienceMs(usualMs: number): number {
    return Math.max(usualMs, MARGIN * (this.#learnt[this.#last] ?? 0));
  }

  lasted(ms: number): void {
    this.#learnt[this.#last] = ms;
    // Another firmware may have other buffers.
    if (this.#isSwapExpected) this.#learnt.frames = undefined;
  }
}
