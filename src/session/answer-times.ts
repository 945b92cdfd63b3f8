/**
 * How long one kind of request takes a device to answer, and how long it is therefore waited for.
 *
 * The estimate is RFC 6298's (Jacobson and Karels). Karn's rule, that the answer to a repeated request tells nothing as nobody
 * knows which copy it is for, is kept by giving each copy a sequence number of its own: late answers are measured too. Beside
 * the smoothed time the longest of late is kept: a server that erases a page every few chunks is slow in jerks, which
 * the smoothed deviation forgets in between.
 */

/** RFC 6298, sections 2.2 and 2.3. */
const GAIN = 1 / 8;
const DEVIATION_GAIN = 1 / 4;
const DEVIATIONS = 4;
/** Of the longest: as much again for the worst that is still to come. */
const MARGIN = 2;
/** Fewer say nothing about what is usual. */
const MIN_SAMPLES = 8;
/** Never less: a busy host, a radio's retransmissions and one more page to erase fit into it. */
const MIN_DEADLINE_MS = 500;
/** What is longest counts over this many samples, and once more while the next are collected. */
const GENERATION = 128;

export class AnswerTimes {
  #smoothedMs = 0;
  #deviationMs = 0;
  #samples = 0;
  #longestMs = 0;
  #longestBeforeMs = 0;

  /** The longest of late; 0 when nothing was measured. */
  get longestMs(): number {
    return Math.max(this.#longestMs, this.#longestBeforeMs);
  }

  /** An answer came, in time or not, this long after its request. */
  measured(ms: number): void {
    if (this.#samples++ === 0) {
      this.#smoothedMs = ms;
      this.#deviationMs = ms / 2;
    } else {
      this.#deviationMs += (Math.abs(ms - this.#smoothedMs) - this.#deviationMs) * DEVIATION_GAIN;
      this.#smoothedMs += (ms - this.#smoothedMs) * GAIN;
    }
    if (this.#samples % GENERATION === 0) {
      this.#longestBeforeMs = this.#longestMs;
      this.#longestMs = 0;
    }
    this.#longestMs = Math.max(this.#longestMs, ms);
  }

  /** Another link: what was quick must show again that it is; what was slow is still expected to be. */
  beginSession(): void {
    this.#samples = 0;
    this.#longestMs = this.longestMs;
    this.#longestBeforeMs = 0;
  }

  /**
   * How long to wait for the next answer where a second request does no harm: `usualMs` until enough was measured, then
   * what the measurements allow, more than `usualMs` only when answers took so long.
   */
  deadlineMs(usualMs: number): number {
    const patientMs = this.patienceMs(usualMs);
    if (patientMs > usualMs || this.#samples < MIN_SAMPLES) return patientMs;
    const expectedMs = this.#smoothedMs + DEVIATIONS * this.#deviationMs;
    return Math.min(usualMs, Math.max(MIN_DEADLINE_MS, expectedMs, MARGIN * this.longestMs));
  }

  /** The same where a second request costs: never less than `usualMs`. */
  patienceMs(usualMs: number): number {
    return Math.max(usualMs, MARGIN * this.longestMs);
  }
}
