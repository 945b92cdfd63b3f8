/** How many chunks may be under way at once: halved by a loss, one more after a while without any. */
const GROW_AFTER_CHUNKS = 32;

export class Window {
  readonly #max: number;
  #size: number;
  #takenInRow = 0;

  /** @param max 1 is stop-and-wait */
  constructor(max: number) {
    this.#max = max;
    this.#size = max;
  }

  get size(): number {
    return this.#size;
  }

  lost(): void {
    this.#size = Math.max(1, Math.floor(this.#size / 2));
    this.#takenInRow = 0;
  }

  taken(): void {
    if (++this.#takenInRow < GROW_AFTER_CHUNKS || this.#size === this.#max) return;
    this.#size++;
    this.#takenInRow = 0;
  }
}
