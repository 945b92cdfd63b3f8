import { open, type FileHandle } from "node:fs/promises";

type Read = (buffer: Uint8Array, at: number, length: number, position: number) => Promise<unknown>;

/** Where files are read while `work` runs: the offset of each reading. */
export async function fileReads(work: () => Promise<void>): Promise<number[]> {
  const handle = await open(__filename);
  const prototype = Object.getPrototypeOf(handle) as { read: Read };
  await handle.close();
  const offsets: number[] = [];
  const { read } = prototype;
  prototype.read = function (this: FileHandle, ...args) {
    offsets.push(args[3]);
    return read.apply(this, args);
  };
  try {
    await work();
    return offsets;
  } finally {
    prototype.read = read;
  }
}
