import { BLOCK_BYTES, fileBlocks } from "../image/block-cache";
import type { FirmwareSource } from "../image/firmware-source";

/** Reads a source in the blocks that uploads side by side share, and gives the same bytes again without reading. */
export class ReadAhead {
  readonly #source: FirmwareSource;
  readonly #end = fileBlocks.reading();
  #offBytes = 0;
  #block: Uint8Array = new Uint8Array();

  constructor(source: FirmwareSource) {
    this.#source = source;
  }

  /** Bytes that must not be changed. @throws as `FirmwareSource.read` */
  async read(offBytes: number, endBytes: number): Promise<Uint8Array> {
    const start = offBytes - (offBytes % BLOCK_BYTES);
    // Rare, and of two blocks: not worth to hold both.
    if (endBytes > start + BLOCK_BYTES) return await this.#source.read(offBytes, endBytes - offBytes);
    if (start !== this.#offBytes || this.#block.length === 0) {
      this.#block = await this.#source.read(start, Math.min(BLOCK_BYTES, this.#source.sizeBytes - start));
      this.#offBytes = start;
    }
    return this.#block.subarray(offBytes - start, endBytes - start);
  }

  close(): void {
    this.#end();
  }
}
