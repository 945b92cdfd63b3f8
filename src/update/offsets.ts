/**
 * Which offset the device has, and whether an answer can be about this upload. The device's offset is the truth, but
 * the server has one upload for all clients and no lock: another client's upload shows as an offset that this one has
 * never reached. Source: Zephyr `img_mgmt_upload_inspect`, protocol notes on windowed uploads.
 */
import type { Chunk } from "./chunk";

export interface SentChunk extends Chunk {
  /** What was acknowledged when it was sent; the server's answer to it cannot be lower. */
  readonly ackedBytes: number;
}

/**
 * "taken": the device has the chunk. "missed": it has not, and wants what is acknowledged now. "lost": it knows no
 * upload any more. "foreign": the offset is of another upload.
 */
export type Meaning = "taken" | "missed" | "lost" | "foreign";

/** Largest flash alignment; MCUboot's recovery asks again for the bytes of a chunk that do not fill one. */
const MAX_ALIGNMENT_BYTES = 32;

export class Offsets {
  #ackedBytes = 0;
  #furthestBytes = 0;
  /** Ends of chunks that were sent and are not acknowledged. */
  #reached = new Set<number>();

  get ackedBytes(): number {
    return this.#ackedBytes;
  }

  /** The end of the furthest chunk that was ever sent. */
  get furthestBytes(): number {
    return this.#furthestBytes;
  }

  /** Whether a chunk that is not acknowledged yet ends there. */
  hasReached(offBytes: number): boolean {
    return this.#reached.has(offBytes);
  }

  /** The answer to a request at offset 0: that many bytes of this file are there. */
  begin(offBytes: number): void {
    this.#ackedBytes = offBytes;
    this.#furthestBytes = Math.max(this.#furthestBytes, offBytes);
    this.#reached.clear();
  }

  sent(chunk: Chunk): SentChunk {
    this.#reached.add(chunk.endBytes);
    this.#furthestBytes = Math.max(this.#furthestBytes, chunk.endBytes);
    const { offBytes, endBytes, frameBytes } = chunk;
    return { offBytes, endBytes, frameBytes, ackedBytes: this.#ackedBytes };
  }

  /** Notes the answer to a chunk. */
  answered(chunk: SentChunk, offBytes: number): Meaning {
    if (offBytes === 0) return "lost";
    if (offBytes > this.#ackedBytes) {
      if (!this.hasReached(offBytes) && !this.#isUnalignedEnd(offBytes)) return "foreign";
      this.#advance(offBytes);
    } else if (offBytes < chunk.ackedBytes) {
      return "foreign";
    }
    return chunk.endBytes <= this.#ackedBytes ? "taken" : "missed";
  }

  /** Also of a chunk before a link loss, whose answer was lost; the chunk in its place may be smaller. */
  #isUnalignedEnd(offBytes: number): boolean {
    return [...this.#reached].some((end) => offBytes < end && end - offBytes < MAX_ALIGNMENT_BYTES);
  }

  #advance(offBytes: number): void {
    this.#ackedBytes = offBytes;
    for (const end of this.#reached) if (end <= offBytes) this.#reached.delete(end);
  }
}
