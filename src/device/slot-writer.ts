/**
 * Writes a stream into a slot as Zephyr's flash_img and stream_flash do: blocks of 512 bytes, pages erased all at once
 * before or one by one as data reaches them, and the page of MCUboot's trailer too.
 */
import type { FlashSlot } from "./image-store";
import { type Pace, transferMs } from "./pace";
import { trailerPages } from "./trailer";

/** CONFIG_IMG_BLOCK_BUF_SIZE. */
const BLOCK_BYTES = 512;

export class SlotWriter {
  readonly #slot: FlashSlot;
  readonly #pace: Pace;
  readonly #progressive: boolean;
  #block = Buffer.alloc(0);
  #writtenBytes = 0;
  #erasedBytes = 0;

  constructor(slot: FlashSlot, pace: Pace, options: { progressive: boolean }) {
    this.#slot = slot;
    this.#pace = pace;
    this.#progressive = options.progressive;
  }

  /** Makes room for a file, unless that is done page by page; gives the time that it takes. */
  prepare(lengthBytes: number): number {
    if (this.#progressive || this.#slot.isBlank()) return 0;
    return this.#erase(0, lengthBytes) + this.#eraseTrailer(lengthBytes);
  }

  /** Takes more of the file; gives the time that flash needs. */
  append(data: Uint8Array): number {
    this.#block = Buffer.concat([this.#block, data]);
    let ms = 0;
    while (this.#block.length >= BLOCK_BYTES) ms += this.#flush(BLOCK_BYTES);
    return ms;
  }

  /** Writes what is still in the buffer. */
  finish(): number {
    const ms = this.#flush(this.#block.length);
    return this.#progressive ? ms + this.#eraseTrailer(this.#erasedBytes) : ms;
  }

  #flush(bytes: number): number {
    let ms = 0;
    while (this.#progressive && this.#erasedBytes < this.#writtenBytes + bytes) {
      ms += this.#erase(this.#erasedBytes, 1);
      this.#erasedBytes += this.#slot.pageBytes;
    }
    this.#slot.write(this.#writtenBytes, this.#block.subarray(0, bytes));
    this.#block = this.#block.subarray(bytes);
    this.#writtenBytes += bytes;
    return ms + transferMs(bytes, this.#pace.writeBytesPerSecond);
  }

  /** The pages of the trailer that are not among those that the file uses. */
  #eraseTrailer(usedBytes: number): number {
    const { sizeBytes, pageBytes } = this.#slot;
    const trailer = sizeBytes - trailerPages({ pages: sizeBytes / pageBytes, pageBytes }) * pageBytes;
    const startBytes = Math.max(trailer, Math.ceil(usedBytes / pageBytes) * pageBytes);
    return startBytes < sizeBytes ? this.#erase(startBytes, sizeBytes - startBytes) : 0;
  }

  #erase(offBytes: number, lengthBytes: number): number {
    this.#slot.erase(offBytes, lengthBytes);
    return Math.ceil(lengthBytes / this.#slot.pageBytes) * this.#pace.erasePageMs;
  }
}
