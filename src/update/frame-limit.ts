/**
 * How large frames may be, as far as that shows only in what happens to them: smaller when they fail, larger again after a
 * while of success, so that a moment of bad reception does not slow down a whole upload.
 */
import type { Learnt } from "../session/learnt";
import type { SmpSession } from "../session/types";
import type { Failure } from "./failure";

/** Frames in a row that get through before a larger one is tried; longer after each that failed. */
const GROW_AFTER_FRAMES = 64;
const GROWTH_FACTOR = 2;
const LONGER_FACTOR = 4;

/** What link and server carry, as of the session. */
export type Carried = Pick<SmpSession, "maxFrameBytes" | "wholeFrameBytes">;

export class FrameLimit {
  readonly #learnt: Learnt;
  readonly #smallestBytes: number;
  #growAfter = GROW_AFTER_FRAMES;
  #inRow = 0;
  /** What worked before a larger size that is being tried. */
  #provenBytes: number | undefined;

  /** @param smallestBytes no limit goes below it, as an upload could not begin with less */
  constructor(learnt: Learnt, smallestBytes: number) {
    this.#learnt = learnt;
    this.#smallestBytes = smallestBytes;
  }

  bytes({ maxFrameBytes }: Pick<Carried, "maxFrameBytes">): number {
    // What was learnt of one image may be too little for another, whose first chunk names its number.
    return Math.min(maxFrameBytes, Math.max(this.#learnt.frames?.limitBytes ?? Infinity, this.#smallestBytes));
  }

  gotThrough(): void {
    const { frames } = this.#learnt;
    if (!frames || frames.limitBytes >= frames.neverAboveBytes) return;
    if (++this.#inRow < this.#growAfter) return;
    this.#inRow = 0;
    this.#provenBytes = frames.limitBytes;
    const limitBytes = Math.min(frames.limitBytes * GROWTH_FACTOR, frames.neverAboveBytes);
    this.#learnt.frames = { ...frames, limitBytes };
  }

  /** Whether a frame failed that is larger than what worked a moment ago; the limit is that again then. */
  isBackToProven({ chunk }: Failure): boolean {
    const proven = this.#provenBytes;
    this.#inRow = 0;
    if (proven === undefined || chunk.frameBytes <= proven || !this.#learnt.frames) return false;
    this.#provenBytes = undefined;
    this.#growAfter *= LONGER_FACTOR;
    this.#learnt.frames = { ...this.#learnt.frames, limitBytes: proven };
    return true;
  }

  /**
   * Makes frames smaller than one that failed. Down to frames in one piece at once: the likeliest reason is a server that
   * does not put pieces together again. That one takes each piece for a request, so that no larger frame is ever tried again.
   */
  shrink({ chunk, kind }: Failure, { maxFrameBytes, wholeFrameBytes }: Carried, divisor: number): void {
    const { frameBytes } = chunk;
    const isPieced = frameBytes > wholeFrameBytes;
    const smaller = isPieced ? wholeFrameBytes : Math.floor(frameBytes / divisor);
    const limitBytes = Math.max(this.#smallestBytes, smaller);
    const highestBytes = kind === "too-large" ? limitBytes : isPieced ? wholeFrameBytes : maxFrameBytes;
    const neverAboveBytes = Math.min(this.#learnt.frames?.neverAboveBytes ?? Infinity, highestBytes);
    this.#provenBytes = undefined;
    this.#learnt.frames = { limitBytes, neverAboveBytes };
  }

  isSmallest({ chunk }: Failure): boolean {
    return chunk.frameBytes <= this.#smallestBytes;
  }
}
