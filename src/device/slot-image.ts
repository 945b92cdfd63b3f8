/**
 * What a slot's bytes say of the image in it: header, TLVs and hash (bootutil/image.h). The virtual device reads
 * images itself and shares no code with the client's `src/image`, so that a mistake cannot cancel itself out.
 */
import { createHash } from "node:crypto";
import type { NorFlash } from "./flash";

export const IMAGE_HEADER_BYTES = 32;
const HEADER_MAGIC = 0x96f3b83d;
const TLV_MAGIC = { plain: 0x6907, protected: 0x6908 } as const;
const FLAG = { encrypted: 0x4 | 0x8, nonBootable: 0x10, romFixed: 0x100, compressed: 0x200 | 0x400 } as const;
const HASH_TLV = {
  32: { type: 0x10, algorithm: "sha256" },
  48: { type: 0x11, algorithm: "sha384" },
  64: { type: 0x12, algorithm: "sha512" },
} as const;

/** Length of the image hash of a build: SHA-256, SHA-384 or SHA-512. */
export type HashBytes = keyof typeof HASH_TLV;

export interface SlotTlv {
  readonly type: number;
  readonly protected: boolean;
  readonly data: Uint8Array;
}

export interface SlotImage {
  /** Where in flash the header is. */
  readonly startBytes: number;
  readonly version: ImageVersion;
  readonly flags: number;
  readonly bootable: boolean;
  readonly hash: Uint8Array;
  /** Header, payload and both TLV areas. */
  readonly sizeBytes: number;
  /** Header, payload and protected TLVs: what the hash covers. */
  readonly hashedBytes: number;
  readonly tlvs: readonly SlotTlv[];
}

export interface ImageVersion {
  readonly major: number;
  readonly minor: number;
  readonly revision: number;
  readonly build: number;
}

/**
 * The image whose header is at `startBytes`, if header, TLVs and one hash of the build's length are readable there
 * (Zephyr's `img_mgmt_read_info`); nothing is verified.
 */
export function readSlotImage(flash: NorFlash, startBytes: number, hashBytes: HashBytes): SlotImage | undefined {
  const header = readHeader(flash, startBytes);
  if (!header) return undefined;
  const tlvStart = startBytes + header.headerBytes + header.payloadBytes;
  const guarded = readTlvArea(flash, tlvStart, TLV_MAGIC.protected);
  if ((guarded?.lengthBytes ?? 0) !== header.protectedBytes) return undefined;
  const plain = readTlvArea(flash, tlvStart + header.protectedBytes, TLV_MAGIC.plain);
  if (!plain) return undefined;
  const hashes = plain.tlvs.filter(({ type, data }) => type === HASH_TLV[hashBytes].type && data.length === hashBytes);
  if (hashes.length !== 1) return undefined;
  const hashedBytes = header.headerBytes + header.payloadBytes + header.protectedBytes;
  return {
    startBytes,
    version: header.version,
    flags: header.flags,
    bootable: (header.flags & FLAG.nonBootable) === 0,
    hash: hashes[0]!.data,
    sizeBytes: hashedBytes + plain.lengthBytes,
    hashedBytes,
    tlvs: [...(guarded?.tlvs ?? []), ...plain.tlvs],
  };
}

/** The version in the header at `startBytes`, whatever follows it; undefined where there is no header. */
export function readHeaderVersion(flash: NorFlash, startBytes: number): ImageVersion | undefined {
  return readHeader(flash, startBytes)?.version;
}

/** Whether no header was written, or it was erased again. */
export function isHeaderErased(flash: NorFlash, startBytes: number): boolean {
  return flash.isBlank(startBytes, 4);
}

/**
 * MCUboot's check of a readable image, less the signature. Encrypted and compressed images fail, as in a bootloader
 * built without support for them.
 */
export function isIntact(flash: NorFlash, image: SlotImage): boolean {
  if ((image.flags & (FLAG.encrypted | FLAG.compressed)) !== 0) return false;
  const { algorithm } = HASH_TLV[image.hash.length as HashBytes];
  const hash = createHash(algorithm).update(flash.read(image.startBytes, image.hashedBytes)).digest();
  return hash.equals(image.hash);
}

/** Negative when `a` is older than `b`. MCUboot does not compare build numbers unless told to. */
export function compareVersions(a: ImageVersion, b: ImageVersion): number {
  return a.major - b.major || a.minor - b.minor || a.revision - b.revision;
}

/** "1.2.3", or "1.2.3.4" when there is a build number. */
export function formatVersion({ major, minor, revision, build }: ImageVersion): string {
  return `${major}.${minor}.${revision}${build === 0 ? "" : `.${build}`}`;
}

/** `struct image_version`: 8 bytes. */
export function parseVersion(bytes: Uint8Array): ImageVersion {
  const view = Buffer.from(bytes);
  return {
    major: view.readUInt8(0),
    minor: view.readUInt8(1),
    revision: view.readUInt16LE(2),
    build: view.readUInt32LE(4),
  };
}

export interface ImageHeader {
  /** Where it was built to lie, if the flag ROM_FIXED is set. */
  readonly fixedAddress: number | undefined;
  readonly headerBytes: number;
  readonly protectedBytes: number;
  readonly payloadBytes: number;
  readonly flags: number;
  readonly version: ImageVersion;
}

function readHeader(flash: NorFlash, startBytes: number): ImageHeader | undefined {
  return parseImageHeader(flash.read(startBytes, IMAGE_HEADER_BYTES));
}

/** @param start {@link IMAGE_HEADER_BYTES} at least. @returns undefined when the magic is not there */
export function parseImageHeader(start: Uint8Array): ImageHeader | undefined {
  const bytes = Buffer.from(start.subarray(0, IMAGE_HEADER_BYTES));
  if (bytes.readUInt32LE(0) !== HEADER_MAGIC) return undefined;
  const flags = bytes.readUInt32LE(16);
  return {
    fixedAddress: (flags & FLAG.romFixed) === 0 ? undefined : bytes.readUInt32LE(4),
    headerBytes: bytes.readUInt16LE(8),
    protectedBytes: bytes.readUInt16LE(10),
    payloadBytes: bytes.readUInt32LE(12),
    flags,
    version: parseVersion(bytes.subarray(20, 28)),
  };
}

/** A TLV area that begins with `magic`; undefined where there is none, or it does not end within the flash. */
function readTlvArea(
  flash: NorFlash,
  offBytes: number,
  magic: number,
): { lengthBytes: number; tlvs: SlotTlv[] } | undefined {
  if (offBytes + 4 > flash.sizeBytes) return undefined;
  const info = Buffer.from(flash.read(offBytes, 4));
  const lengthBytes = info.readUInt16LE(2);
  if (info.readUInt16LE(0) !== magic || offBytes + lengthBytes > flash.sizeBytes) return undefined;
  const area = Buffer.from(flash.read(offBytes, lengthBytes));
  const tlvs: SlotTlv[] = [];
  for (let at = 4; at + 4 <= area.length;) {
    const end = at + 4 + area.readUInt16LE(at + 2);
    if (end > area.length) return undefined;
    tlvs.push({
      type: area.readUInt16LE(at),
      protected: magic === TLV_MAGIC.protected,
      data: area.subarray(at + 4, end),
    });
    at = end;
  }
  return { lengthBytes, tlvs };
}
