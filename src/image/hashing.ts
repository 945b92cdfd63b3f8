/** Reads a source in pieces, for hashes of firmware of any size. */
import { createHash, type Hash } from "node:crypto";
import { throwIfAborted } from "../clock";
import { BLOCK_BYTES } from "./block-cache";
import type { FirmwareSource } from "./firmware-source";
import type { HashAlgorithm } from "./tlv";

/** The bytes before `endBytes`, in order. @throws as the source's `read`; the signal's reason on abort */
export async function* readPieces(
  source: FirmwareSource,
  endBytes: number,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  for (let off = 0; off < endBytes; off += BLOCK_BYTES) {
    throwIfAborted(signal);
    yield await source.read(off, Math.min(BLOCK_BYTES, endBytes - off));
  }
}

export function newHash(algorithm: HashAlgorithm): Hash {
  return createHash(nodeName(algorithm));
}

/** "sha256": as node:crypto names the algorithm. */
export function nodeName(algorithm: HashAlgorithm): string {
  return algorithm.replace("-", "").toLowerCase();
}
