import { SmpError } from "../errors";

/** Bytes of the SMP header in front of every CBOR body. */
export const HEADER_BYTES = 8;

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

export function encodeHeader(header: Header): Uint8Array {
  const bytes = Buffer.alloc(HEADER_BYTES);
  bytes.writeUInt8((header.version << 3) | header.op, 0);
  bytes.writeUInt16BE(header.bodyBytes, 2);
  bytes.writeUInt16BE(header.group, 4);
  bytes.writeUInt8(header.seq, 6);
  bytes.writeUInt8(header.id, 7);
  return bytes;
}

/** @throws SMP_BAD_FRAME when there are fewer than 8 bytes */
export function decodeHeader(frame: Uint8Array): Header {
  if (frame.length < HEADER_BYTES) {
    throw new SmpError("SMP_BAD_FRAME", `frame of ${frame.length} bytes is shorter than the 8-byte SMP header`, {
      frameLength: frame.length,
      limit: HEADER_BYTES,
    });
  }
  const bytes = Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength);
  const first = bytes.readUInt8(0);
  return {
    op: first & 0b111,
    version: (first >> 3) & 0b11,
    bodyBytes: bytes.readUInt16BE(2),
    group: bytes.readUInt16BE(4),
    seq: bytes.readUInt8(6),
    id: bytes.readUInt8(7),
  };
}

/** A copy of a frame that bears another sequence number; nothing else is looked at or changed. */
export function withSequence(frame: Uint8Array, seq: number): Uint8Array {
  const copy = Uint8Array.from(frame);
  copy[SEQ_OFFSET] = seq;
  return copy;
}

const SEQ_OFFSET = 6;
