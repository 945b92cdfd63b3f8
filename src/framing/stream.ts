/**
 * Frames out of the pieces in which a packet medium carries them, by the length in the SMP header. Every frame begins with
 * a piece of its own (Zephyr smp_bt.c sends the pieces of one answer back to back, and no other between them), so that
 * a piece that does not fit what is missing shows where a damaged frame ends.
 */
import { frameLength, HEADER_BYTES } from "./frame-length";

export class FrameAssembler {
  /** Frames of which only a part came. */
  damaged = 0;
  /** What has come of a frame so far; time and memory are in proportion to it, however small the pieces. */
  #pieces: Uint8Array[] = [];
  #bytes = 0;
  /** Of the whole frame; the header's own while that is not known. */
  #wantedBytes = HEADER_BYTES;

  /** Of a frame that is not whole yet, in bytes. */
  get pendingBytes(): number {
    return this.#bytes;
  }

  /** @returns the frame that the piece completes; a piece that cannot belong to a frame is one by itself, as it is */
  push(piece: Uint8Array): Uint8Array | undefined {
    if (piece.length === 0) return undefined;
    const beforeBytes = this.#bytes;
    this.#add(piece);
    const surplusBytes = this.#bytes - this.#wantedBytes;
    if (surplusBytes < 0) return undefined;
    const isDamaged = surplusBytes > 0 && beforeBytes > 0;
    if (isDamaged) {
      this.drop();
      return this.push(piece);
    }
    const frame = new Uint8Array(Buffer.concat(this.#pieces));
    this.#clear();
    return frame;
  }

  /** Forgets the part of a frame whose rest will not come. */
  drop(): void {
    if (this.pendingBytes > 0) this.damaged++;
    this.#clear();
  }

  #add(piece: Uint8Array): void {
    const knewLength = this.#bytes >= HEADER_BYTES;
    this.#pieces.push(Uint8Array.from(piece));
    this.#bytes += piece.length;
    if (knewLength || this.#bytes < HEADER_BYTES) return;
    const start = Buffer.concat(this.#pieces);
    this.#pieces = [start];
    this.#wantedBytes = frameLength(start);
  }

  #clear(): void {
    this.#pieces = [];
    this.#bytes = 0;
    this.#wantedBytes = HEADER_BYTES;
  }
}
