/** How often, how long and in which size a chunk is tried. */
import { SmpError } from "../errors";
import type { SmpSession } from "../session/types";
import { TIMEOUT_MS } from "../smp/command";
import type { Chunk } from "./chunk";
import type { Failure } from "./failure";

/** At one offset, without the device moving on. */
const MAX_TRIES = 5;
/** Of the first chunk: each waits as long as a slot may take to erase. */
const MAX_FIRST_TRIES = 3;
/** Pages of slow external flash are erased within this. */
const MAX_CHUNK_MS = 20_000;
const BUSY_MS = 100;
/** A server that does not put fragments together takes each for a request; its few buffers need time to be free again. */
const DIGEST_MS = 500;

/** What a message says about where an upload stands. */
export interface Place {
  readonly label: string;
  readonly ackedBytes: number;
  readonly lenBytes: number;
  readonly maxFrameBytes: number;
  /** As of the session. */
  readonly wholeFrameBytes: number;
}

export class Tries {
  readonly #lenBytes: number;
  readonly #smallestBytes: number;
  /** What was learnt about the frames that get through. */
  #limitBytes = Infinity;
  #failures: Failure[] = [];

  /** @param smallestBytes no frame limit goes below it, as an upload could not begin with less */
  constructor(lenBytes: number, smallestBytes: number) {
    this.#lenBytes = lenBytes;
    this.#smallestBytes = smallestBytes;
  }

  frameLimit(session: SmpSession): number {
    return Math.min(session.maxFrameBytes, this.#limitBytes);
  }

  /** For sending a chunk and its answer. */
  deadlineMs({ offBytes, endBytes }: Chunk): number {
    if (offBytes === 0) return TIMEOUT_MS.FIRST_CHUNK;
    if (endBytes === this.#lenBytes) return TIMEOUT_MS.LAST_CHUNK;
    return Math.min(TIMEOUT_MS.QUICK * 2 ** this.#failures.length, MAX_CHUNK_MS);
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

  /** The device moved on. */
  progressed(): void {
    this.#failures = [];
  }

  /**
   * Notes that a chunk did not get through, and makes the frames smaller when they may be the reason.
   * @throws when it was tried often enough, or the smallest frame is too large
   */
  failed(failure: Failure, place: Place): void {
    if (failure.kind === "too-large") return this.#shrink(failure, place);
    this.#failures.push(failure);
    const isFirst = failure.chunk.offBytes === 0;
    const count = this.#failures.length;
    if (count >= (isFirst ? MAX_FIRST_TRIES : MAX_TRIES)) throw this.#stopped(place);
    if (failure.kind !== "unanswered") return;
    // One loss is nothing unusual; 40 s of silence are.
    if (isFirst || count === 2) this.#limitTo(failure, place, isFirst ? 4 : 2);
    else if (count > 2) this.#limitTo(failure, place, 4);
  }

  #shrink(failure: Failure, place: Place): void {
    if (failure.chunk.frameBytes > this.#smallestBytes) return this.#limitTo(failure, place, 2);
    const { frameBytes, offBytes } = failure.chunk;
    throw new SmpError(
      "SMP_FRAME_TOO_LARGE",
      `${place.label} stopped at ${offBytes}: the device takes not even a frame of ${frameBytes} bytes, and no upload can begin with less: ${failure.cause?.message}`,
      { frameLength: frameBytes, limit: this.#smallestBytes, off: offBytes, cause: failure.cause },
    );
  }

  /** Down to frames in one piece at once: the likeliest reason is a server that does not put pieces together again. */
  #limitTo({ chunk: { frameBytes } }: Failure, { wholeFrameBytes }: Place, divisor: number): void {
    const smaller = frameBytes > wholeFrameBytes ? wholeFrameBytes : Math.floor(frameBytes / divisor);
    this.#limitBytes = Math.max(this.#smallestBytes, smaller);
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
