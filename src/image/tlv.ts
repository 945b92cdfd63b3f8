/** MCUboot's TLVs (type, length, value), the records behind the payload. Source: `bootutil/image.h` and `tlv.c`. */
import { malformedError } from "./bad-image";

/** The types that this package reads; {@link tlvName} knows all. */
export const TLV = {
  KEY_HASH: 0x01,
  PUBLIC_KEY: 0x02,
  /** Ed25519 over the image itself; without it over the image's hash. */
  PURE_SIGNATURE: 0x25,
  DEPENDENCY: 0x40,
  SECURITY_COUNTER: 0x50,
  DECOMPRESSED_HASH: 0x71,
} as const;

export type HashAlgorithm = "SHA-256" | "SHA-384" | "SHA-512";

/** Types of the image hash. */
export const HASH_TLVS: Readonly<Record<number, { algorithm: HashAlgorithm; lengthBytes: number }>> = {
  0x10: { algorithm: "SHA-256", lengthBytes: 32 },
  0x11: { algorithm: "SHA-384", lengthBytes: 48 },
  0x12: { algorithm: "SHA-512", lengthBytes: 64 },
};

/** Types of a signature. 0x22 is of P-256 or P-384, as the key says. */
export const SIGNATURE_TLVS: Readonly<Record<number, string>> = {
  0x20: "RSA-2048",
  0x21: "ECDSA P-224",
  0x22: "ECDSA",
  0x23: "RSA-3072",
  0x24: "Ed25519",
};

/** Types of the key that decrypts the payload, itself encrypted for the device. */
export const ENCRYPTION_KEY_TLVS: Readonly<Record<number, string>> = {
  0x30: "key encrypted by RSA-2048",
  0x31: "key encrypted by AES-KW",
  0x32: "key encrypted by ECIES-P256",
  0x33: "key encrypted by ECIES-X25519",
  0x34: "key encrypted by ECIES-X25519 with SHA-512",
};

const OTHER_TLVS: Readonly<Record<number, string>> = {
  0x01: "key hash",
  0x02: "public key",
  0x25: "pure signature",
  0x40: "dependency",
  0x50: "security counter",
  0x60: "boot record",
  0x70: "decompressed size",
  0x71: "decompressed hash",
  0x72: "decompressed signature",
  0x73: "decrypted compressed size",
  0x74: "vendor UUID",
  0x75: "class UUID",
};

/** The name of a type; 0xXXA0–0xXXFF belong to vendors. */
export function tlvName(type: number): string {
  const known = HASH_TLVS[type]?.algorithm ?? SIGNATURE_TLVS[type] ?? ENCRYPTION_KEY_TLVS[type] ?? OTHER_TLVS[type];
  return known ?? `${(type & 0xff) >= 0xa0 ? "vendor" : "unknown"} 0x${type.toString(16).padStart(4, "0")}`;
}

export interface Tlv {
  readonly type: number;
  /** Whether the image hash, and so the signature, covers it. */
  readonly isProtected: boolean;
  /** Where in the file its entry starts. */
  readonly offBytes: number;
  readonly data: Buffer;
}

/** Bytes of an area's info header (magic, total) and of an entry's header (type, length). */
export const TLV_HEADER_BYTES = 4;

const AREA_MAGIC = { protected: 0x6908, unprotected: 0x6907 } as const;

/**
 * The bytes that an area announces for itself, info header included.
 * @param info the area's first 4 bytes
 * @param offBytes where in the file they lie
 * @throws SMP_BAD_IMAGE when no such area starts here
 */
export function parseAreaSize(
  info: Uint8Array,
  kind: keyof typeof AREA_MAGIC,
  offBytes: number,
  label: string,
): number {
  const view = new DataView(info.buffer, info.byteOffset, TLV_HEADER_BYTES);
  const magic = view.getUint16(0, true);
  if (magic !== AREA_MAGIC[kind]) {
    const expected = AREA_MAGIC[kind].toString(16);
    const found = magic.toString(16).padStart(4, "0");
    throw malformedError(label, offBytes, `${kind} TLVs should start here (magic ${expected}), found ${found}`);
  }
  const totalBytes = view.getUint16(2, true);
  if (totalBytes < TLV_HEADER_BYTES)
    throw malformedError(label, offBytes, `the ${kind} TLVs announce ${totalBytes} bytes`);
  return totalBytes;
}

/**
 * The entries of a whole area.
 * @param area from its info header to its end
 * @param offBytes where in the file it lies
 * @throws SMP_BAD_IMAGE when an entry reaches beyond the area
 */
export function parseArea(area: Buffer, kind: keyof typeof AREA_MAGIC, offBytes: number, label: string): Tlv[] {
  const tlvs: Tlv[] = [];
  let at = TLV_HEADER_BYTES;
  while (at < area.length) {
    const restBytes = area.length - at - TLV_HEADER_BYTES;
    if (restBytes < 0)
      throw malformedError(label, offBytes + at, `${area.length - at} bytes are left, too few for a TLV`);
    const type = area.readUInt16LE(at);
    const lengthBytes = area.readUInt16LE(at + 2);
    if (lengthBytes > restBytes) {
      throw malformedError(
        label,
        offBytes + at,
        `the TLV "${tlvName(type)}" of ${lengthBytes} bytes has only ${restBytes} left`,
      );
    }
    const start = at + TLV_HEADER_BYTES;
    const data = area.subarray(start, start + lengthBytes);
    tlvs.push({ type, isProtected: kind === "protected", offBytes: offBytes + at, data });
    at = start + lengthBytes;
  }
  return tlvs;
}

/** @throws SMP_BAD_IMAGE when the value has another length than its type demands */
export function checkLength(tlv: Tlv, lengthBytes: number, label: string): void {
  if (tlv.data.length === lengthBytes) return;
  const found = `${tlv.data.length} bytes instead of ${lengthBytes}`;
  throw malformedError(label, tlv.offBytes, `the TLV "${tlvName(tlv.type)}" has ${found}`);
}
