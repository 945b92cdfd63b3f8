/** A whole SMP message: header and CBOR body, to and from a frame. The only door to the CBOR library. */
import { Decoder, Encoder } from "cbor-x";
import { messageOf, SmpError } from "../errors";
import { MAX_FRAME_BYTES } from "../framing/frame-length";
import { cborFault } from "./cbor-check";
import { decodeHeader, encodeHeader, HEADER_BYTES, type Header } from "./header";

export type CborMap = Record<string, unknown>;

export interface Message extends Omit<Header, "bodyBytes"> {
  readonly body: CborMap;
}

/** cbor-x writes tags and records that SMP servers do not know unless told not to. */
const DIALECT = { useRecords: false, tagUint8Array: false, variableMapSize: true, mapsAsObjects: true } as const;
const encoder = new Encoder(DIALECT);
const decoder = new Decoder(DIALECT);

export interface EncodeOptions {
  /** Maps and lists of indefinite length, as zcbor in Zephyr writes them. */
  readonly indefinite?: boolean;
}

/** @throws SMP_FRAME_TOO_LARGE when the body exceeds the header's 16-bit length */
export function encodeMessage(message: Message, options: EncodeOptions = {}): Uint8Array {
  const body = encodeBody(message.body, options);
  if (HEADER_BYTES + body.length > MAX_FRAME_BYTES) {
    throw new SmpError("SMP_FRAME_TOO_LARGE", `a body of ${body.length} bytes does not fit an SMP frame`, {
      frameLength: HEADER_BYTES + body.length,
      limit: MAX_FRAME_BYTES,
    });
  }
  return Buffer.concat([encodeHeader({ ...message, bodyBytes: body.length }), body]);
}

/** Exact bytes of the frame that {@link encodeMessage} would give for this body. */
export function encodedFrameBytes(body: CborMap): number {
  return HEADER_BYTES + encodeBody(body, {}).length;
}

/** Bytes to be copied: they are part of a larger buffer. */
function encodeBody(body: CborMap, options: EncodeOptions): Uint8Array {
  const present = withoutAbsent(body);
  return options.indefinite ? encodeIndefinite(present) : encoder.encode(present);
}

function withoutAbsent(body: CborMap): CborMap {
  if (!Object.values(body).includes(undefined)) return body;
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
}

function encodeIndefinite(value: unknown): Uint8Array {
  if (Array.isArray(value)) {
    return Buffer.concat([Buffer.of(0x9f), ...value.map(encodeIndefinite), Buffer.of(0xff)]);
  }
  if (typeof value === "object" && value !== null && !(value instanceof Uint8Array)) {
    const entries = Object.entries(withoutAbsent(value as CborMap));
    const parts = entries.flatMap(([key, entry]) => [encodeIndefinite(key), encodeIndefinite(entry)]);
    return Buffer.concat([Buffer.of(0xbf), ...parts, Buffer.of(0xff)]);
  }
  return encoder.encode(value);
}

/**
 * Decodes exactly one frame.
 * @throws SMP_BAD_FRAME that names the byte at fault: too short, a length that is not what arrived, not one CBOR map
 */
export function decodeMessage(frame: Uint8Array): Message {
  const { bodyBytes, op, version, group, seq, id } = decodeHeader(frame);
  const arrivedBytes = frame.length - HEADER_BYTES;
  if (bodyBytes !== arrivedBytes) {
    throw new SmpError(
      "SMP_BAD_FRAME",
      `SMP header bytes 2..3 announce a body of ${bodyBytes} bytes, but ${arrivedBytes} arrived`,
      { frameLength: frame.length, limit: HEADER_BYTES + bodyBytes },
    );
  }
  return { op, version, group, seq, id, body: decodeBody(frame.subarray(HEADER_BYTES)) };
}

/** @throws SMP_BAD_FRAME that names the byte at fault */
export function decodeBody(body: Uint8Array): CborMap {
  const fault = cborFault(body);
  if (fault !== undefined) throw malformed(body, fault);
  try {
    return plain(decoder.decode(body)) as CborMap;
  } catch (cause) {
    // What the check lets pass the library can decode, as far as is known.
    throw malformed(body, messageOf(cause), cause);
  }
}

function malformed(body: Uint8Array, why: string, cause?: unknown): SmpError {
  const frameLength = HEADER_BYTES + body.length;
  return new SmpError("SMP_BAD_FRAME", `the CBOR body is malformed: ${why}`, { frameLength, cause });
}

/** In place: 64-bit integers as numbers where they are exact, so that the width a server chose does not matter. */
function plain(value: unknown): unknown {
  if (typeof value === "bigint") {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  const entries = value as Record<string, unknown>;
  for (const key of Object.keys(entries)) {
    const entry = entries[key];
    if (typeof entry === "bigint" || typeof entry === "object") entries[key] = plain(entry);
  }
  return value;
}
