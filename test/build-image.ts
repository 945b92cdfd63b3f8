/**
 * Builds tiny unsigned MCUboot images for tests: header, payload, TLVs with a hash. Written from MCUboot's
 * `bootutil/image.h` and independent of both `src/image` and `src/device`.
 */
import { createHash } from "node:crypto";

export interface BuiltDependency {
  readonly image: number;
  /** "1.2.3+4"; the build number may be left out. */
  readonly minVersion: string;
}

export interface BuildImageOptions {
  /** "1.2.3+4"; the build number may be left out. */
  readonly version: string;
  /** Length of a payload that is made from the version, so that two versions differ. Default 256. */
  readonly payloadBytes?: number;
  readonly payload?: Uint8Array;
  readonly dependencies?: readonly BuiltDependency[];
  readonly securityCounter?: number;
  /** Length of the image hash: SHA-256, SHA-384 or SHA-512. Default 32. */
  readonly hash?: 32 | 48 | 64;
  /** Default 32, the smallest. */
  readonly headerBytes?: number;
  readonly flags?: number;
  readonly loadAddress?: number;
  /** Protected TLVs after the dependencies and the security counter. */
  readonly protectedTlvs?: readonly { readonly type: number; readonly data: Uint8Array }[];
  /** Unprotected TLVs after the hash, e.g. a key hash. */
  readonly extraTlvs?: readonly { readonly type: number; readonly data: Uint8Array }[];
  /** Flips a payload bit after hashing. */
  readonly corrupt?: boolean;
}

const HASHES = { 32: ["sha256", 0x10], 48: ["sha384", 0x11], 64: ["sha512", 0x12] } as const;

export function buildImage(options: BuildImageOptions): Buffer {
  const headerBytes = options.headerBytes ?? 32;
  const payload = Buffer.from(options.payload ?? madeUpPayload(options.version, options.payloadBytes ?? 256));
  const protectedArea = tlvArea(0x6908, protectedTlvs(options));
  const header = Buffer.alloc(headerBytes);
  header.writeUInt32LE(0x96f3b83d, 0);
  header.writeUInt32LE(options.loadAddress ?? 0, 4);
  header.writeUInt16LE(headerBytes, 8);
  header.writeUInt16LE(protectedArea.length, 10);
  header.writeUInt32LE(payload.length, 12);
  header.writeUInt32LE(options.flags ?? 0, 16);
  versionBytes(options.version).copy(header, 20);
  const hashed = Buffer.concat([header, payload, protectedArea]);
  const [algorithm, hashType] = HASHES[options.hash ?? 32];
  const hash = createHash(algorithm).update(hashed).digest();
  const area = tlvArea(0x6907, [{ type: hashType, data: hash }, ...(options.extraTlvs ?? [])]);
  if (options.corrupt) hashed[headerBytes]! ^= 1;
  return Buffer.concat([hashed, area]);
}

/** The value of an image's hash TLV, when that is its first unprotected TLV, as {@link buildImage} puts it. */
export function hashOf(image: Buffer): Buffer {
  const areaOff = image.readUInt16LE(8) + image.readUInt16LE(10) + image.readUInt32LE(12);
  return image.subarray(areaOff + 8, areaOff + 8 + image.readUInt16LE(areaOff + 6));
}

function protectedTlvs(options: BuildImageOptions): { type: number; data: Uint8Array }[] {
  const dependencies = (options.dependencies ?? []).map(({ image, minVersion }) => ({
    type: 0x40,
    data: Buffer.concat([Buffer.from([image, 0, 0, 0]), versionBytes(minVersion)]),
  }));
  const counter = Buffer.alloc(4);
  counter.writeUInt32LE(options.securityCounter ?? 0);
  const counters = options.securityCounter === undefined ? [] : [{ type: 0x50, data: counter }];
  return [...dependencies, ...counters, ...(options.protectedTlvs ?? [])];
}

function tlvArea(magic: number, tlvs: readonly { type: number; data: Uint8Array }[]): Buffer {
  if (tlvs.length === 0) return Buffer.alloc(0);
  const entries = tlvs.flatMap(({ type, data }) => [shorts(type, data.length), Buffer.from(data)]);
  const body = Buffer.concat(entries);
  return Buffer.concat([shorts(magic, body.length + 4), body]);
}

function shorts(first: number, second: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt16LE(first, 0);
  bytes.writeUInt16LE(second, 2);
  return bytes;
}

function versionBytes(version: string): Buffer {
  const [major = 0, minor = 0, revision = 0, build = 0] = version.split(/[.+]/).map(Number);
  const bytes = Buffer.alloc(8);
  bytes.writeUInt8(major, 0);
  bytes.writeUInt8(minor, 1);
  bytes.writeUInt16LE(revision, 2);
  bytes.writeUInt32LE(build, 4);
  return bytes;
}

function madeUpPayload(version: string, lengthBytes: number): Buffer {
  const blocks: Buffer[] = [];
  for (let block = 0; block * 32 < lengthBytes; block++) {
    blocks.push(createHash("sha256").update(`${version}/${block}`).digest());
  }
  return Buffer.concat(blocks).subarray(0, lengthBytes);
}
