/** Devices that are remembered by themselves; of more only the mean is known. */
const REMEMBERED = 1_000;

/** How long devices were away after a reset that installed something, for the ETA of the next one. */
export class SwapTimes {
  readonly #byDevice = new Map<string, number>();
  #mean = 0;
  #count = 0;

  learn(device: string, swapMs: number): void {
    this.#count += 1;
    this.#mean += (swapMs - this.#mean) / this.#count;
    if (this.#byDevice.size < REMEMBERED || this.#byDevice.has(device)) this.#byDevice.set(device, swapMs);
  }

  /** What this device took last, else what others took; undefined while nothing is known. */
  expected(device: string): number | undefined {
    return this.#byDevice.get(device) ?? (this.#count > 0 ? Math.round(this.#mean) : undefined);
  }
}
