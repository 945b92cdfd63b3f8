import { randomFrom } from "../random";

/** Reproducible bytes and cuttings of them; a failing test names its seed. */
export class RandomBytes {
  readonly #next: () => number;

  constructor(seed: number) {
    this.#next = randomFrom(seed);
  }

  /** 0 ≤ n < limit, whole. */
  below(limit: number): number {
    return Math.floor(this.#next() * limit);
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.below(256)));
  }

  /** Cuts into pieces of 1 to `longest` bytes. */
  pieces(bytes: Uint8Array, longest: number): Uint8Array[] {
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < bytes.length;) {
      const end = at + 1 + this.below(longest);
      pieces.push(bytes.subarray(at, end));
      at = end;
    }
    return pieces;
  }
}
