/**
 * Frames out of the pieces in which a packet medium carries them, by the length in the SMP header. Every frame begins with
 * a piece of its own (Zephyr smp_bt.c sends the pieces of one answer back to back, and no other between them), so that
 * a piece that does not fit what is missing shows where a damaged frame ends.
 */

const HEADER_BYTES = 8;
const LENGTH_AT = 2;

/** What has come of a frame so far. */
interface Partial {
  readonly pieces: Uint8Array[];
  readonly bytes: number;
}

const NOTHING: Partial = { pieces: [], bytes: 0 };

export class FrameAssembler {
  /** Frames of which only a part came. */
  damaged = 0;
  #partial = NOTHING;

  /** Of a frame that is not whole yet, in bytes. */
  get pendingBytes(): number {
    return this.#partial.bytes;
  }

  /** @returns the frame that the piece completes; a piece that cannot belong to a frame is one by itself, as it is */
  push(piece: Uint8Array): Uint8Array | undefined {
    if (piece.length === 0) return undefined;
    const together = joined(this.#partial, piece);
    const surplusBytes = together.bytes - frameBytes(together);
    if (surplusBytes < 0) {
      this.#partial = together;
      return undefined;
    }
    const isDamaged = surplusBytes > 0 && this.pendingBytes > 0;
    if (isDamaged) {
      this.drop();
      return this.push(piece);
    }
    this.#partial = NOTHING;
    return new Uint8Array(Buffer.concat(together.pieces));
  }

  /** Forgets the part of a frame whose rest will not come. */
  drop(): void {
    if (this.pendingBytes > 0) this.damaged++;
    this.#partial = NOTHING;
  }
}

function joined({ pieces, bytes }: Partial, piece: Uint8Array): Partial {
  return { pieces: [...pieces, Uint8Array.from(piece)], bytes: bytes + piece.length };
}

/** The whole frame's length, header included; the header's own while that is not known. */
function frameBytes({ pieces, bytes }: Partial): number {
  if (bytes < HEADER_BYTES) return HEADER_BYTES;
  const [first] = pieces;
  const header = first!.length >= HEADER_BYTES ? Buffer.from(first!) : Buffer.concat(pieces);
  return HEADER_BYTES + header.readUInt16BE(LENGTH_AT);
}
