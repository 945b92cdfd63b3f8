/**
 * How many image bytes fit an upload request. Computed from the lengths that CBOR heads have (RFC 8949, section 3.1):
 * they grow with `off` and with `data`, so that each chunk has its own limit.
 */
import { SmpError } from "../errors";
import { HEADER_BYTES } from "../smp/header";

/** What the request at offset 0 says besides `off` and `data`. */
export interface FirstPacket {
  /** Image number; 0 is the server's default and is not sent. */
  readonly image: number;
  /** Size of the whole file, in bytes. */
  readonly len: number;
  /** SHA-256 of the whole file; the server takes an upload up again by it. */
  readonly sha: Uint8Array;
  /** Refuse an image that is not newer than the running one. */
  readonly upgrade: boolean;
}

/** A piece of the file for one request. */
export interface Chunk {
  readonly offBytes: number;
  readonly endBytes: number;
  /** The whole SMP frame that carries it, header included. */
  readonly frameBytes: number;
}

/** The server wants all of MCUboot's image header in the first chunk (Zephyr `img_mgmt_upload_inspect`). */
const MIN_FIRST_DATA_BYTES = 32;

/** Servers up to Zephyr 3.1 write whole words only; MCUboot's recovery keeps back what does not fill one. */
const ALIGNMENT_BYTES = 4;

/** The request's body; what {@link largestChunk} computes is the length of this. */
export function uploadBody(offBytes: number, data: Uint8Array, first?: FirstPacket) {
  if (!first) return { off: offBytes, data };
  const { image, len, sha, upgrade } = first;
  return { ...(image > 0 && { image }), len, off: offBytes, sha, data, ...(upgrade && { upgrade }) };
}

/**
 * The most image bytes that a frame of `frameBytes` (SMP header included) can carry at `offBytes`; 0 when there is no room.
 * @param first for the request at offset 0
 */
export function largestChunk(frameBytes: number, offBytes: number, first?: FirstPacket): number {
  const roomBytes = frameBytes - overheadBytes(offBytes, first);
  for (const reservedBytes of HEAD_LENGTHS) {
    const dataBytes = roomBytes - reservedBytes;
    if (dataBytes >= 0 && headBytes(dataBytes) <= reservedBytes) return dataBytes;
  }
  return 0;
}

/** The exact length of the frame that carries `dataBytes` image bytes at `offBytes`. */
export function chunkFrameBytes(dataBytes: number, offBytes: number, first?: FirstPacket): number {
  return overheadBytes(offBytes, first) + headBytes(dataBytes) + dataBytes;
}

/** The smallest frame with which an upload can begin. */
export function smallestFirstFrame(first: FirstPacket): number {
  return chunkFrameBytes(Math.min(MIN_FIRST_DATA_BYTES, first.len), 0, first);
}

/**
 * The chunk at offset 0 for frames of at most `limitBytes`.
 * @throws SMP_FRAME_TOO_LARGE when not even the image's header fits
 */
export function firstChunk(limitBytes: number, first: FirstPacket): Chunk {
  const neededBytes = smallestFirstFrame(first);
  if (limitBytes < neededBytes) {
    const dataBytes = Math.min(MIN_FIRST_DATA_BYTES, first.len);
    throw new SmpError(
      "SMP_FRAME_TOO_LARGE",
      `the first chunk of an upload (${dataBytes} image bytes and the file's SHA-256) needs a frame of ${neededBytes} bytes, ` +
        `but link and device carry ${limitBytes} at most`,
      { frameLength: neededBytes, limit: limitBytes, off: 0 },
    );
  }
  return chunkOf(0, alignedDown(largestChunk(limitBytes, 0, first)), first.len, first);
}

/** The chunk at `offBytes` of a file of `lenBytes`, for frames of at most `limitBytes`. */
export function nextChunk(limitBytes: number, offBytes: number, lenBytes: number): Chunk {
  return chunkOf(offBytes, alignedDown(largestChunk(limitBytes, offBytes)), lenBytes);
}

function chunkOf(offBytes: number, mostBytes: number, lenBytes: number, first?: FirstPacket): Chunk {
  const dataBytes = Math.min(mostBytes, lenBytes - offBytes);
  return { offBytes, endBytes: offBytes + dataBytes, frameBytes: chunkFrameBytes(dataBytes, offBytes, first) };
}

function alignedDown(bytes: number): number {
  return bytes - (bytes % ALIGNMENT_BYTES);
}

const HEAD_LENGTHS = [1, 2, 3, 5] as const;

/** Bytes of a CBOR head for a number or a length. */
function headBytes(value: number): number {
  if (value < 24) return 1;
  if (value < 0x100) return 2;
  return value < 0x1_0000 ? 3 : 5;
}

/** Everything but the data and its head. Keys are short texts, so each has a head of one byte; so has the map. */
function overheadBytes(offBytes: number, first: FirstPacket | undefined): number {
  const map = 1;
  const later = HEADER_BYTES + map + keyBytes("off") + headBytes(offBytes) + keyBytes("data");
  if (!first) return later;
  const { image, len, sha, upgrade } = first;
  return (
    later +
    (image > 0 ? keyBytes("image") + headBytes(image) : 0) +
    (keyBytes("len") + headBytes(len)) +
    (keyBytes("sha") + headBytes(sha.length) + sha.length) +
    (upgrade ? keyBytes("upgrade") + 1 : 0)
  );
}

function keyBytes(name: string): number {
  return 1 + name.length;
}
