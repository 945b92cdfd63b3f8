/** Blocks of firmware files, read once for all who want them at the same time, and bounded however many those are. */

/** Some dozens of frames: a file is asked for seldom, and an upload holds little of it. */
export const BLOCK_BYTES = 64 * 1024;

/** Most microcontrollers' whole image, and little for what runs Node-RED. */
const CACHE_BYTES = 4 * 1024 * 1024;

interface Block {
  readonly bytes: Promise<Uint8Array>;
  readonly lengthBytes: number;
}

export interface WantedBlock {
  /** Names the file as it was when it was opened: another content needs another name. */
  readonly file: string;
  readonly offBytes: number;
  readonly lengthBytes: number;
  /** Reads it. */
  readonly load: () => Promise<Uint8Array>;
}

/** Keeps the blocks of files that somebody has open; those that were not used for longest give way. */
export class BlockCache {
  readonly #maxBytes: number;
  /** Used longest ago first. */
  readonly #blocks = new Map<string, Block>();
  /** How many have a file open. */
  readonly #users = new Map<string, number>();
  #heldBytes = 0;

  constructor(maxBytes = CACHE_BYTES) {
    this.#maxBytes = maxBytes;
  }

  /** Of all blocks, also of those that are being read. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  opened(file: string): void {
    this.#users.set(file, (this.#users.get(file) ?? 0) + 1);
  }

  /** With the last user the blocks go as well. */
  closed(file: string): void {
    const users = (this.#users.get(file) ?? 0) - 1;
    if (users > 0) return void this.#users.set(file, users);
    this.#users.delete(file);
    for (const key of this.#blocks.keys()) if (key.startsWith(`${file}@`)) this.#drop(key);
  }

  /** Bytes that must not be changed. @throws what the block's `load` throws */
  async read(wanted: WantedBlock): Promise<Uint8Array> {
    const key = `${wanted.file}@${wanted.offBytes}`;
    for (;;) {
      const block = this.#blocks.get(key);
      if (!block) return await this.#load(key, wanted);
      this.#blocks.delete(key);
      this.#blocks.set(key, block);
      try {
        return await block.bytes;
      } catch {
        // Whoever read it may have closed the file meanwhile; the block is gone, and this one reads it itself.
      }
    }
  }

  #load(key: string, { file, lengthBytes, load }: WantedBlock): Promise<Uint8Array> {
    if (!this.#users.has(file) || lengthBytes > this.#maxBytes) return load();
    for (const oldest of this.#blocks.keys()) {
      if (this.#heldBytes + lengthBytes <= this.#maxBytes) break;
      this.#drop(oldest);
    }
    const bytes = load().catch((thrown: unknown) => {
      if (this.#blocks.get(key) === block) this.#drop(key);
      throw thrown;
    });
    const block: Block = { bytes, lengthBytes };
    this.#blocks.set(key, block);
    this.#heldBytes += lengthBytes;
    return bytes;
  }

  #drop(key: string): void {
    this.#heldBytes -= this.#blocks.get(key)?.lengthBytes ?? 0;
    this.#blocks.delete(key);
  }
}

/** The one of this process. */
export const fileBlocks = new BlockCache();
