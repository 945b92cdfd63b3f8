/** MCUboot's image header. Source: `struct image_header` of `bootutil/image.h`; all fields are little-endian. */
import { malformedError } from "./bad-image";
import type { Version } from "./version";

/** The first four bytes of every image. */
export const IMAGE_MAGIC = Buffer.from([0x3d, 0xb8, 0xf3, 0x96]);

/** The fixed part of the header; `headerBytes` of the image may be more. */
export const MIN_HEADER_BYTES = 32;

/** Bits of the header's flags (`IMAGE_F_…`). */
export const FLAG = {
  ENCRYPTED_AES128: 0x4,
  ENCRYPTED_AES256: 0x8,
  NON_BOOTABLE: 0x10,
  RAM_LOAD: 0x20,
  ROM_FIXED: 0x100,
  COMPRESSED_LZMA1: 0x200,
  COMPRESSED_LZMA2: 0x400,
  COMPRESSED_ARM_THUMB: 0x800,
} as const;

export const ENCRYPTED = FLAG.ENCRYPTED_AES128 | FLAG.ENCRYPTED_AES256;
export const COMPRESSED = FLAG.COMPRESSED_LZMA1 | FLAG.COMPRESSED_LZMA2 | FLAG.COMPRESSED_ARM_THUMB;

export interface ImageHeader {
  /** Means something only with the flags RAM_LOAD and ROM_FIXED. */
  readonly loadAddress: number;
  readonly headerBytes: number;
  /** With the area's info header; 0 when there are none. */
  readonly protectedTlvBytes: number;
  readonly payloadBytes: number;
  readonly flags: number;
  readonly version: Version;
}

/**
 * Reads a header whose magic is known to be right.
 * @param bytes at least {@link MIN_HEADER_BYTES}
 * @throws SMP_BAD_IMAGE when the header's own size is impossible
 */
export function parseHeader(bytes: Uint8Array, label: string): ImageHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, MIN_HEADER_BYTES);
  const headerBytes = view.getUint16(8, true);
  if (headerBytes < MIN_HEADER_BYTES) {
    throw malformedError(
      label,
      8,
      `its header announces a size of ${headerBytes} bytes, less than ${MIN_HEADER_BYTES}`,
    );
  }
  return {
    loadAddress: view.getUint32(4, true),
    headerBytes,
    protectedTlvBytes: view.getUint16(10, true),
    payloadBytes: view.getUint32(12, true),
    flags: view.getUint32(16, true),
    version: parseVersionField(view, 20),
  };
}

/** The 8 bytes of `struct image_version` at `off`. */
export function parseVersionField(view: DataView, off: number): Version {
  return {
    major: view.getUint8(off),
    minor: view.getUint8(off + 1),
    revision: view.getUint16(off + 2, true),
    build: view.getUint32(off + 4, true),
  };
}
