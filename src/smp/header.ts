import { SmpError } from "../errors";
import { BODY_LENGTH_AT, HEADER_BYTES } from "../framing/frame-length";

export { HEADER_BYTES };

export const OP = { READ: 0, READ_RESPONSE: 1, WRITE: 2, WRITE_RESPONSE: 3 } as const;

/** The value of the header's version bits: 0 is "SMP v1", 1 is "SMP v2". */
export type ProtocolVersion = 0 | 1;

/** The SMP header. https://docs.zephyrproject.org/latest/services/device_mgmt/smp_protocol.html */
export interface Header {
  /** Bits 0..2 of the first byte: see {@link OP}; 4..7 are not defined. */
  readonly op: number;
  /** Bits 3..4 of the first byte: 0 or 1; 2 and 3 are reserved. */
  readonly version: number;
  /** Bytes of the body, as the sender says. */
  readonly bodyBytes: number;
  readonly group: number;
  /** 0..255, chosen by the client, repeated by the server. */
  readonly seq: number;
  /** Command id in the group. */
  readonly id: number;
}

/** Where in the header its fields begin; the byte before the length is reserved. */
const AT = { FIRST: 0, BODY_LENGTH: BODY_LENGTH_AT, GROUP: 4, SEQ: 6, ID: 7 } as const;

export function encodeHeader(header: Header): Uint8Array {
  const bytes = Buffer.alloc(HEADER_BYTES);
  bytes.writeUInt8((header.version << 3) | header.op, AT.FIRST);
  bytes.writeUInt16BE(header.bodyBytes, AT.BODY_LENGTH);
  bytes.writeUInt16BE(header.group, AT.GROUP);
  bytes.writeUInt8(header.seq, AT.SEQ);
  bytes.writeUInt8(header.id, AT.ID);
  return bytes;
}

/** @throws SMP_BAD_FRAME when there are fewer than 8 bytes */
export function decodeHeader(frame: Uint8Array): Header {
  if (frame.length < HEADER_BYTES) {
    throw new SmpError(
      "SMP_BAD_FRAME",
      `frame of ${frame.length} bytes is shorter than the ${HEADER_BYTES}-byte SMP header`,
      {
        frameLength: frame.length,
        limit: HEADER_BYTES,
      },
    );
  }
  const bytes = Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength);
  const first = bytes.readUInt8(AT.FIRST);
  return {
    op: first & 0b111,
    version: (first >> 3) & 0b11,
    bodyBytes: bytes.readUInt16BE(AT.BODY_LENGTH),
    group: bytes.readUInt16BE(AT.GROUP),
    seq: bytes.readUInt8(AT.SEQ),
    id: bytes.readUInt8(AT.ID),
  };
}

/** A copy of a frame that bears another sequence number; nothing else is looked at or changed. */
export function withSequence(frame: Uint8Array, seq: number): Uint8Array {
  const copy = Uint8Array.from(frame);
  copy[AT.SEQ] = seq;
  return copy;
}
