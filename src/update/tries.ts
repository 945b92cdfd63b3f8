/** How often, how long and in which size a chunk is tried. */
import { SmpError } from "../errors";
import type { AnswerTimes } from "../session/answer-times";
import type { Learnt } from "../session/learnt";
import { TIMEOUT_MS } from "../smp/command";
import type { Chunk } from "./chunk";
import type { Failure } from "./failure";
import { FrameLimit, type Carried } from "./frame-limit";

/** At one offset, without the device moving on. */
const MAX_TRIES = 5;
/** Of the first chunk: each waits as long as a slot may take to erase. */
const MAX_FIRST_TRIES = 3;
/** Pages of slow external flash are erased within this. */
const MAX_CHUNK_MS = 20_000;
/** Silence of this length is no chance any more, and frames get smaller; of this length it ends the upload. */
const SUSPICIOUS_MS = 5_000;
const PATIENCE_MS = 55_000;
const BUSY_MS = 100;
/** Frames of one limit differ by so much: chunks are aligned, and heads of offsets grow. */
const SLACK_BYTES = 8;
/** A server that does not put fragments together takes each for a request; its few buffers need time to be free again. */
const DIGEST_MS = 500;

/** What a message says about where an upload stands. */
export interface Place extends Carried {
  readonly label: string;
  readonly ackedBytes: number;
  readonly lenBytes: number;
}

/** How long a chunk and its answer are waited for, and where the time that they took is noted. */
export interface Wait {
  readonly timeoutMs: number;
  readonly times: AnswerTimes;
}

export class Tries {
  readonly #lenBytes: number;
  readonly #smallestBytes: number;
  readonly #learnt: Learnt;
  readonly frameLimit: FrameLimit;
  #failures: Failure[] = [];
  /** Of the failures, as planned. */
  #silentMs = 0;
  #shrinks = 0;
  #largestTakenBytes = 0;

  /**
   * @param smallestBytes no frame limit goes below it, as an upload could not begin with less
   * @param learnt about the device, and added to
   */
  constructor(lenBytes: number, smallestBytes: number, learnt: Learnt) {
    this.#lenBytes = lenBytes;
    this.#smallestBytes = smallestBytes;
    this.#learnt = learnt;
    this.frameLimit = new FrameLimit(learnt, smallestBytes);
  }

  /**
   * The chunks that make the device erase a slot or check a whole image are never given up sooner than their commands allow:
   * a first chunk that is sent twice may erase twice. A chunk in between that is sent twice costs its own time only.
   */
  wait({ offBytes, endBytes }: Chunk): Wait {
    if (offBytes === 0) return this.#patient("image.upload, first chunk", TIMEOUT_MS.FIRST_CHUNK);
    if (endBytes === this.#lenBytes) return this.#patient("image.upload, last chunk", TIMEOUT_MS.LAST_CHUNK);
    const times = this.#learnt.times("image.upload");
    const timeoutMs = Math.min(times.deadlineMs(TIMEOUT_MS.QUICK) * 2 ** this.#failures.length, MAX_CHUNK_MS);
    return { timeoutMs, times };
  }

  #patient(kind: string, usualMs: number): Wait {
    const times = this.#learnt.times(kind);
    return { timeoutMs: times.patienceMs(usualMs), times };
  }

  /** Which try at the device's offset is next, from 1. */
  get attempt(): number {
    return this.#failures.length + 1;
  }

  /** How long to leave the device alone before the next try. */
  pauseMs(failure: Failure): number {
    if (failure.kind === "too-large") return DIGEST_MS;
    return failure.kind === "busy" ? BUSY_MS * 2 ** this.#failures.length : 0;
  }

  /** Frames of this size get through. */
  proven(frameBytes: number): void {
    this.#largestTakenBytes = Math.max(this.#largestTakenBytes, frameBytes);
  }

  /** The device took a chunk and moved on. */
  progressed({ frameBytes }: Chunk): void {
    this.proven(frameBytes);
    this.#failures = [];
    this.#silentMs = 0;
    this.#shrinks = 0;
    this.frameLimit.gotThrough();
  }

  /** The device has answered, and begins anew: what failed before was at another offset. */
  startsOver(): void {
    this.#failures = [];
    this.#silentMs = 0;
  }

  /**
   * Notes that a chunk did not get through, and makes the frames smaller when they may be the reason.
   * @throws when it was tried often enough, or the smallest frame is too large
   */
  failed(failure: Failure, place: Place): void {
    const isBackToProven = this.frameLimit.isBackToProven(failure);
    if (failure.kind === "too-large" && !this.#hasTaken(failure)) return this.#tooLarge(failure, place);
    this.#silentMs += this.wait(failure.chunk).timeoutMs;
    this.#failures.push(failure);
    if (this.#isEnough(failure)) throw this.#stopped(place);
    if (isBackToProven || !this.#isSuspicious(failure)) return;
    this.frameLimit.shrink(failure, place, failure.chunk.offBytes === 0 || this.#shrinks++ > 0 ? 4 : 2);
  }

  #isEnough({ kind, chunk }: Failure): boolean {
    const count = this.#failures.length;
    if (chunk.offBytes === 0) return count >= MAX_FIRST_TRIES;
    return count >= MAX_TRIES && (kind !== "unanswered" || this.#silentMs >= PATIENCE_MS);
  }

  /** Whether the frames' size may be the reason; one loss is nothing unusual, nor are two of frames that have got through before. */
  #isSuspicious({ kind, chunk }: Failure): boolean {
    if (kind !== "unanswered") return false;
    const isProven = chunk.frameBytes <= this.#largestTakenBytes;
    if (chunk.offBytes === 0) return !isProven;
    return this.#failures.length >= (isProven ? 3 : 2) && this.#silentMs >= SUSPICIOUS_MS;
  }

  /** Frames of this size have got through: it was damaged on its way, whatever the device says. */
  #hasTaken({ chunk }: Failure): boolean {
    return chunk.frameBytes <= this.#largestTakenBytes + SLACK_BYTES;
  }

  #tooLarge(failure: Failure, place: Place): void {
    if (!this.frameLimit.isSmallest(failure)) return this.frameLimit.shrink(failure, place, 2);
    // Once may be damage on the way.
    this.#failures.push(failure);
    if (!this.#isEnough(failure)) return;
    const { frameBytes, offBytes } = failure.chunk;
    throw new SmpError(
      "SMP_FRAME_TOO_LARGE",
      `${place.label} stopped at ${offBytes}: the device takes not even a frame of ${frameBytes} bytes, and no upload can begin with less: ${failure.cause?.message}`,
      { frameLength: frameBytes, limit: this.#smallestBytes, off: offBytes, cause: failure.cause },
    );
  }

  /** The error for a chunk that is not worth another try. */
  exhausted(failure: Failure, place: Place): SmpError {
    this.#failures.push(failure);
    return this.#stopped(place);
  }

  /** Names all that tells the possible reasons apart (protocol notes, "field report"). */
  #stopped({ label, lenBytes, ackedBytes, maxFrameBytes }: Place): SmpError {
    const failures = this.#failures;
    const { chunk } = failures.find((failure) => failure.chunk.offBytes === ackedBytes) ?? failures[0]!;
    const frames = failures.map((failure) => failure.chunk.frameBytes);
    const sizes = [...new Set([Math.max(...frames), Math.min(...frames)])].join(" to ");
    const isSilent = failures.every((failure) => failure.kind === "unanswered");
    const cause = failures.at(-1)!.cause;
    const message =
      `${label} stopped at ${ackedBytes} of ${lenBytes} bytes: no progress in ${failures.length} ${failures.length === 1 ? "try" : "tries"} ` +
      `with frames of ${sizes} bytes (link and device carry ${maxFrameBytes}); expected off ${chunk.endBytes}, ` +
      `received ${isSilent && ackedBytes === 0 ? "nothing" : `off ${ackedBytes} last`}${cause ? `; ${cause.message}` : ""}`;
    return new SmpError(isSilent ? "SMP_TIMEOUT" : "SMP_UPLOAD_FAILED", message, {
      off: ackedBytes,
      expectedOff: chunk.endBytes,
      frameLength: chunk.frameBytes,
      limit: maxFrameBytes,
      retryable: true,
      hint: "Upload again: it goes on where it stopped. If it stops again, make the link more stable or the frames smaller.",
      cause,
    });
  }
}
