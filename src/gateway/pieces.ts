import { SmpError } from "../errors";
import { frameLength, HEADER_BYTES } from "../framing/frame-length";
import { OP } from "../smp/header";

/** Requests of which only a part came, all devices together. */
const KEPT = 64;

/** Whole requests out of messages that carry pieces of them, or several at once. */
export class Pieces {
  readonly #partial = new Map<string, Buffer>();

  /**
   * @param key pieces of one request have the same
   * @returns the requests that are whole now
   * @throws SMP_BAD_FRAME when the bytes are no request nor a part of one; what came before is forgotten then
   */
  take(key: string, bytes: Uint8Array): Uint8Array[] {
    const before = this.#partial.get(key);
    this.#partial.delete(key);
    // What is whole by itself is no rest of another.
    const isWhole = startsRequest(bytes) && frameLength(bytes) === bytes.length;
    const { frames, rest } = cut(before && !isWhole ? Buffer.concat([before, bytes]) : Buffer.from(bytes));
    if (rest.length > 0) this.#keep(key, rest);
    return frames;
  }

  #keep(key: string, rest: Buffer): void {
    this.#partial.set(key, rest);
    const [oldest] = this.#partial.keys();
    if (this.#partial.size > KEPT) this.#partial.delete(oldest!);
  }
}

function cut(bytes: Buffer): { frames: Uint8Array[]; rest: Buffer } {
  const frames: Uint8Array[] = [];
  let rest = bytes;
  while (rest.length >= HEADER_BYTES) {
    if (!startsRequest(rest)) {
      const said = `the payload has ${rest.length} bytes that begin no SMP request: ${rest.subarray(0, HEADER_BYTES).toString("hex")}`;
      throw new SmpError("SMP_BAD_FRAME", said, { frameLength: rest.length, field: "payload" });
    }
    const endBytes = frameLength(rest);
    if (endBytes > rest.length) break;
    frames.push(rest.subarray(0, endBytes));
    rest = rest.subarray(endBytes);
  }
  return { frames, rest };
}

function startsRequest(bytes: Uint8Array): boolean {
  return bytes.length >= HEADER_BYTES && FIRST_BYTES.has(bytes[0]!);
}

/** Operation and version; the three bits above are reserved. */
const FIRST_BYTES: ReadonlySet<number> = new Set(
  [0, 1].flatMap((version) => [OP.READ, OP.WRITE].map((op) => (version << 3) | op)),
);
