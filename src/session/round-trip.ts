/** How long a slow medium may take, by what was measured (RFC 6298, section 2). Every try has a number of its own, so every answer counts. */

const SMOOTHING = 1 / 8;
const VARIATION = 1 / 4;

export class RoundTrip {
  readonly #maxMs: number;
  #smoothMs: number | undefined;
  #variationMs = 0;
  #silences = 0;

  /** @param maxMs as `Link.maxRoundTripMs` */
  constructor(maxMs: number) {
    this.#maxMs = maxMs;
  }

  /** What a deadline has to allow for the medium: all that it may take until something is known, and never more. */
  get allowanceMs(): number {
    if (this.#smoothMs === undefined) return this.#maxMs;
    return Math.min(this.#maxMs, (this.#smoothMs + 4 * this.#variationMs) * 2 ** this.#silences);
  }

  answered(afterMs: number): void {
    this.#silences = 0;
    if (this.#smoothMs === undefined) {
      this.#smoothMs = afterMs;
      this.#variationMs = afterMs / 2;
      return;
    }
    this.#variationMs += VARIATION * (Math.abs(this.#smoothMs - afterMs) - this.#variationMs);
    this.#smoothMs += SMOOTHING * (afterMs - this.#smoothMs);
  }

  expired(): void {
    this.#silences++;
  }
}
