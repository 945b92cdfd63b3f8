/** A file on a Zephyr device with a file system, as bulk data where there is no image group. */
import assert from "node:assert/strict";
import { commands, type SmpSession } from "../../src/index";

const { fs } = commands;
const FILE = "/lfs1/firmware.bin";

export async function writeFile(session: SmpSession, file: Buffer): Promise<void> {
  const chunkBytes = session.maxFrameBytes - 64;
  for (let off = 0; off < file.length;) {
    const data = file.subarray(off, off + chunkBytes);
    const answer = await session.request(fs.uploadFile, {
      off,
      data,
      name: FILE,
      ...(off === 0 && { len: file.length }),
    });
    assert.equal(answer.off, off + data.length);
    off = answer.off;
  }
}

export async function readFile(session: SmpSession): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let lenBytes = Infinity;
  for (let off = 0; off < lenBytes;) {
    const { data, len } = await session.request(fs.download, { off, name: FILE });
    lenBytes = len ?? lenBytes;
    parts.push(data);
    off += data.length;
  }
  return Buffer.concat(parts);
}
