/** Blocks of firmware files, read once for all who want them at the same time, and bounded however many those are. */

/** A dozen frames or more, so that a file is asked for seldom, and so few bytes that an upload holds little of it. */
export const BLOCK_BYTES = 32 * 1024;

/** Most microcontrollers' whole image, and little for what runs Node-RED. */
const CACHE_BYTES = 4 * 1024 * 1024;

/** The least: what one reader is in, and the next one where a frame reaches into that. */
const MIN_BLOCKS = 2;

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

/**
 * Keeps the blocks of files that somebody has open: one for each that has one open and each that reads through it slowly,
 * who may all be elsewhere in it. Those that were not used for longest give way.
 */
export class BlockCache {
  readonly #maxBytes: number;
  readonly #blockBytes: number;
  /** Used longest ago first. */
  readonly #blocks = new Map<string, Block>();
  /** How many have a file open. */
  readonly #users = new Map<string, number>();
  /** Those, and who reads through one slowly. */
  #readers = 0;
  #heldBytes = 0;

  constructor(maxBytes = CACHE_BYTES, blockBytes = BLOCK_BYTES) {
    this.#maxBytes = maxBytes;
    this.#blockBytes = blockBytes;
  }

  /** Of all blocks, also of those that are being read. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  opened(file: string): void {
    this.#readers++;
    this.#users.set(file, (this.#users.get(file) ?? 0) + 1);
  }

  /** Somebody reads through a file slowly, until the returned function is called. */
  reading(): () => void {
    this.#readers++;
    return () => {
      this.#readers--;
      this.#makeRoom(0);
    };
  }

  /** With the last user the blocks go as well. */
  closed(file: string): void {
    const users = (this.#users.get(file) ?? 0) - 1;
    this.#readers--;
    if (users > 0) this.#users.set(file, users);
    else {
      this.#users.delete(file);
      for (const key of this.#blocks.keys()) if (key.startsWith(`${file}@`)) this.#drop(key);
    }
    this.#makeRoom(0);
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
    if (!this.#users.has(file) || lengthBytes > this.#boundBytes) return load();
    this.#makeRoom(lengthBytes);
    const bytes = load().catch((thrown: unknown) => {
      if (this.#blocks.get(key) === block) this.#drop(key);
      throw thrown;
    });
    const block: Block = { bytes, lengthBytes };
    this.#blocks.set(key, block);
    this.#heldBytes += lengthBytes;
    return bytes;
  }

  get #boundBytes(): number {
    return Math.min(this.#maxBytes, Math.max(MIN_BLOCKS, this.#readers) * this.#blockBytes);
  }

  #makeRoom(lengthBytes: number): void {
    for (const oldest of this.#blocks.keys()) {
      if (this.#heldBytes + lengthBytes <= this.#boundBytes) return;
      this.#drop(oldest);
    }
  }

  #drop(key: string): void {
    this.#heldBytes -= this.#blocks.get(key)?.lengthBytes ?? 0;
    this.#blocks.delete(key);
  }
}

/** The one of this process. */
export const fileBlocks = new BlockCache();
