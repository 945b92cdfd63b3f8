/** The lines of files of any size. */
import { closeSync, openSync, readSync } from "node:fs";
import { StringDecoder } from "node:string_decoder";
import { messageOf, SmpError } from "../errors";

const BLOCK_BYTES = 64 * 1024;
/** More than any record needs; the rest of a longer line is not kept. */
const MAX_LINE_CHARS = 1024 * 1024;

/**
 * Each line with its end, as soon as it is asked for: no more of the file is held than that.
 * @throws SMP_BAD_SETTING when it cannot be read
 */
export function* fileLines(path: string): Generator<string> {
  const file = attempt(path, () => openSync(path, "r"));
  try {
    const block = Buffer.alloc(BLOCK_BYTES);
    const decoder = new StringDecoder("utf8");
    let rest = "";
    for (let bytes = -1; bytes !== 0;) {
      bytes = attempt(path, () => readSync(file, block, 0, BLOCK_BYTES, null));
      const text = rest + (bytes === 0 ? decoder.end() : decoder.write(block.subarray(0, bytes)));
      let start = 0;
      for (let end: number; (end = text.indexOf("\n", start) + 1) > 0; start = end) yield text.slice(start, end);
      rest = text.slice(start, start + MAX_LINE_CHARS);
    }
    if (rest !== "") yield rest;
  } finally {
    closeSync(file);
  }
}

function attempt<T>(path: string, act: () => T): T {
  try {
    return act();
  } catch (cause) {
    throw new SmpError("SMP_BAD_SETTING", `${path} cannot be read: ${messageOf(cause)}`, { cause });
  }
}
