import type { Learnt } from "../session/learnt";

/** Chunks in a row that get through before one more is tried at once. */
const GROW_AFTER_CHUNKS = 4;
/** A loss so soon after growing may be the device that holds no more; the next growth is put off the longer then. */
const SOON_CHUNKS = 16;
const LATER_FACTOR = 4;
const MAX_GROW_AFTER_CHUNKS = 256;
/** Of two chunks under way the second's answer shows at once that the first is lost; one alone is missed by its silence only. */
const TELLING = 2;

/** How many chunks may be under way at once: halved by a loss, one more after a while without any. */
export class Window {
  readonly #max: number;
  readonly #learnt: Learnt;
  #size: number;
  #takenInRow = 0;
  #growAfter = GROW_AFTER_CHUNKS;

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

  /** @param isSilent nothing was answered any more: perhaps the device holds no two requests */
  lost(isSilent: boolean): void {
    const isSoon = this.#takenInRow < SOON_CHUNKS;
    this.#growAfter = isSoon ? Math.min(this.#growAfter * LATER_FACTOR, MAX_GROW_AFTER_CHUNKS) : GROW_AFTER_CHUNKS;
    const least = isSilent ? 1 : Math.min(TELLING, this.#size);
    this.#resize(Math.max(least, Math.floor(this.#size / 2)));
  }

  taken(): void {
    if (++this.#takenInRow < this.#growAfter || this.#size === this.#max) return;
    this.#resize(this.#size + 1);
  }

  #resize(size: number): void {
    this.#size = size;
    this.#takenInRow = 0;
    // What a setting forbids was not found out.
    this.#learnt.window = size < this.#max ? size : undefined;
  }
}
