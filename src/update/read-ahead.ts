import type { FirmwareSource } from "../image/firmware-source";

/** Some dozens of frames: a file is asked for seldom, and an upload holds little of it. */
const BLOCK_BYTES = 64 * 1024;

/** Reads a source in larger pieces than are asked for, and gives the same bytes again without reading. */
export class ReadAhead {
  readonly #source: FirmwareSource;
  #offBytes = 0;
  #block: Uint8Array = new Uint8Array();

  constructor(source: FirmwareSource) {
    this.#source = source;
  }

  /** Bytes that must not be changed. @throws as `FirmwareSource.read` */
  async read(offBytes: number, endBytes: number): Promise<Uint8Array> {
    if (offBytes < this.#offBytes || endBytes > this.#offBytes + this.#block.length) {
      const lengthBytes = Math.max(endBytes - offBytes, Math.min(BLOCK_BYTES, this.#source.sizeBytes - offBytes));
      this.#block = await this.#source.read(offBytes, lengthBytes);
      this.#offBytes = offBytes;
    }
    return this.#block.subarray(offBytes - this.#offBytes, endBytes - this.#offBytes);
  }
}
