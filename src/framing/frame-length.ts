/** All that framing knows of SMP: how a frame begins and how long it is. */

/** Bytes of the SMP header in front of every CBOR body. */
export const HEADER_BYTES = 8;

/** The largest SMP frame, in bytes: a header and what its 16-bit length can announce. */
export const MAX_FRAME_BYTES = HEADER_BYTES + 0xffff;

/** Bytes 2 and 3, big-endian: the length of the body. */
export const BODY_LENGTH_AT = 2;

/**
 * The length of the whole frame, in bytes, as its header announces it.
 * @param start at least {@link HEADER_BYTES} of it
 */
export function frameLength(start: Uint8Array): number {
  return HEADER_BYTES + ((start[BODY_LENGTH_AT]! << 8) | start[BODY_LENGTH_AT + 1]!);
}

/**
 * By the first byte: the operation, one of two versions, and three bits that nobody uses.
 * @param ops operations that it may bear
 */
export function mayBeginFrame(first: number, ops: readonly number[]): boolean {
  return first < 0x10 && ops.includes(first & 0b111);
}
