/** Says all about a firmware file, or why it cannot be one. */
import { throwIfAborted } from "../clock";
import { SmpError } from "../errors";
import type { FirmwareSource } from "./firmware-source";
import { newHash, readPieces } from "./hashing";
import { isSealed, readLayout } from "./layout";
import { readHashTlv, readMetadata, type ImageMetadata } from "./metadata";
import type { HashAlgorithm } from "./tlv";
import { readTrailer, type Trailer } from "./trailer";
import { formatVersion, type Version } from "./version";

/** An MCUboot image in a file. Sizes are in bytes, hashes in hex. */
export interface FirmwareInfo extends ImageMetadata {
  readonly label: string;
  /** Of the whole file; what an upload sends. */
  readonly sizeBytes: number;
  readonly version: Version;
  /** "1.2.3+4". */
  readonly versionText: string;
  readonly headerBytes: number;
  readonly payloadBytes: number;
  readonly protectedTlvBytes: number;
  /** Header, payload and all TLVs, without padding. */
  readonly imageBytes: number;
  readonly hashAlgorithm: HashAlgorithm;
  /** MCUboot's hash TLV, which the image state shows. Not {@link fileSha256}. */
  readonly hash: string;
  /** "encrypted": the hash is that of the plain image, so only the device can check it. */
  readonly hashCheck: "verified" | "encrypted";
  /** SHA-256 of the whole file, which an upload announces as `sha`. */
  readonly fileSha256: string;
  /** SHA-256 of the package (ZIP, Intel HEX) that the image came in. */
  readonly packageSha256?: string;
  /** Present when the file is padded to a slot (`imgtool --pad`). */
  readonly trailer?: Trailer;
}

/**
 * Reads a firmware file once, in pieces, and checks its image hash.
 * @throws SMP_BAD_IMAGE when it is no whole, undamaged MCUboot image; SMP_FIRMWARE_SOURCE when it cannot be read; the signal's reason on abort
 */
export async function inspectFirmware(
  source: FirmwareSource,
  options: { signal?: AbortSignal | undefined } = {},
): Promise<FirmwareInfo> {
  throwIfAborted(options.signal);
  const layout = await readLayout(source);
  const { header, hashedBytes, imageBytes } = layout;
  const metadata = readMetadata(layout, source.label);
  const { algorithm, hash } = readHashTlv(layout, source.label);
  const computed = await hashFile(source, { hashedBytes, algorithm, signal: options.signal });
  const verified = computed.image.equals(hash);
  if (!verified && !isSealed(layout)) throw damagedError(source.label, hash, computed.image);
  const trailer = await readTrailer(source, imageBytes);
  return {
    label: source.label,
    sizeBytes: source.sizeBytes,
    version: header.version,
    versionText: formatVersion(header.version),
    headerBytes: header.headerBytes,
    payloadBytes: header.payloadBytes,
    protectedTlvBytes: header.protectedTlvBytes,
    imageBytes,
    hashAlgorithm: algorithm,
    hash: hash.toString("hex"),
    hashCheck: verified ? "verified" : "encrypted",
    fileSha256: computed.file.toString("hex"),
    ...metadata,
    ...(trailer && { trailer }),
  };
}

interface HashFileOptions {
  /** How many bytes from the start the image hash covers. */
  readonly hashedBytes: number;
  readonly algorithm: HashAlgorithm;
  readonly signal: AbortSignal | undefined;
}

/** Both hashes in one pass. */
async function hashFile(source: FirmwareSource, options: HashFileOptions): Promise<{ file: Buffer; image: Buffer }> {
  const { hashedBytes, algorithm, signal } = options;
  const file = newHash("SHA-256");
  const image = newHash(algorithm);
  let off = 0;
  for await (const piece of readPieces(source, source.sizeBytes, signal)) {
    file.update(piece);
    if (off < hashedBytes) image.update(piece.subarray(0, hashedBytes - off));
    off += piece.length;
  }
  return { file: file.digest(), image: image.digest() };
}

function damagedError(label: string, expected: Buffer, computed: Buffer): SmpError {
  const [announced, found] = [expected, computed].map((hash) => hash.toString("hex").slice(0, 8));
  return new SmpError(
    "SMP_BAD_IMAGE",
    `${label} is damaged: its hash TLV says ${announced}…, its content has ${found}…`,
    { hint: "Copy or download the file again, as binary; if that does not help, build it again." },
  );
}
