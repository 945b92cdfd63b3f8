import type { Learnt } from "../session/learnt";

/** How many chunks may be under way at once: halved by a loss, one more after a while without any. */
const GROW_AFTER_CHUNKS = 32;

export class Window {
  readonly #max: number;
  readonly #learnt: Learnt;
  #size: number;
  #takenInRow = 0;

  /**
   * Begins where the last one of the device ended.
   * @param max 1 is stop-and-wait
   */
  constructor(max: number, learnt: Learnt) {
    this.#max = max;
    this.#learnt = learnt;
    this.#size = Math.min(max, learnt.window ?? max);
  }

  get size(): number {
    return this.#size;
  }

  lost(): void {
    this.#resize(Math.max(1, Math.floor(this.#size / 2)));
  }

  taken(): void {
    if (++this.#takenInRow < GROW_AFTER_CHUNKS || this.#size === this.#max) return;
    this.#resize(this.#size + 1);
  }

  #resize(size: number): void {
    this.#size = size;
    this.#takenInRow = 0;
    // What a setting forbids was not found out.
    this.#learnt.window = size < this.#max ? size : undefined;
  }
}
