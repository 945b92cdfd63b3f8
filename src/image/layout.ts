/** Where the parts of an image lie in its file. Every length is checked against the file before it is used. */
import { SmpError } from "../errors";
import { malformedError } from "./bad-image";
import type { FirmwareSource } from "./firmware-source";
import { ENCRYPTED, IMAGE_MAGIC, MIN_HEADER_BYTES, parseHeader, type ImageHeader } from "./mcuboot";
import { notAnImage, START_BYTES } from "./not-an-image";
import { ENCRYPTION_KEY_TLVS, parseArea, parseAreaSize, TLV_HEADER_BYTES, type Tlv } from "./tlv";

export interface Layout {
  readonly header: ImageHeader;
  readonly tlvs: readonly Tlv[];
  /** What the image hash covers: header, payload and protected TLVs. */
  readonly hashedBytes: number;
  /** All of the image; what the file has beyond is padding or a trailer. */
  readonly imageBytes: number;
}

/** @throws SMP_BAD_IMAGE when it is no image, truncated or malformed */
export async function readLayout(source: FirmwareSource): Promise<Layout> {
  const header = await readHeader(source);
  const protectedOff = header.headerBytes + header.payloadBytes;
  const hashedBytes = protectedOff + header.protectedTlvBytes;
  // Even the smallest image has the info header of one TLV area behind.
  checkPresent(source, hashedBytes + TLV_HEADER_BYTES);

  const tlvs: Tlv[] = [];
  if (header.protectedTlvBytes > 0) tlvs.push(...(await readProtectedArea(source, protectedOff, header)));
  const info = await source.read(hashedBytes, TLV_HEADER_BYTES);
  const areaBytes = parseAreaSize(info, "unprotected", hashedBytes, source.label);
  checkPresent(source, hashedBytes + areaBytes);
  const area = bufferOf(await source.read(hashedBytes, areaBytes));
  tlvs.push(...parseArea(area, "unprotected", hashedBytes, source.label));
  return { header, tlvs, hashedBytes, imageBytes: hashedBytes + areaBytes };
}

/** Whether the payload is encrypted. The flag alone could be a flipped bit; an encrypted image carries its key as well. */
export function isSealed({ header, tlvs }: Layout): boolean {
  return (header.flags & ENCRYPTED) !== 0 && tlvs.some(({ type }) => type in ENCRYPTION_KEY_TLVS);
}

async function readHeader(source: FirmwareSource): Promise<ImageHeader> {
  const start = bufferOf(await source.read(0, Math.min(source.sizeBytes, START_BYTES)));
  const magic = start.subarray(0, IMAGE_MAGIC.length);
  if (!magic.equals(IMAGE_MAGIC.subarray(0, magic.length))) throw notAnImage(start, source.label);
  checkPresent(source, MIN_HEADER_BYTES);
  return parseHeader(start, source.label);
}

async function readProtectedArea(source: FirmwareSource, offBytes: number, header: ImageHeader): Promise<Tlv[]> {
  const info = await source.read(offBytes, TLV_HEADER_BYTES);
  const areaBytes = parseAreaSize(info, "protected", offBytes, source.label);
  if (areaBytes !== header.protectedTlvBytes) {
    const why = `the protected TLVs announce ${areaBytes} bytes, the header ${header.protectedTlvBytes}`;
    throw malformedError(source.label, offBytes, why);
  }
  return parseArea(bufferOf(await source.read(offBytes, areaBytes)), "protected", offBytes, source.label);
}

function checkPresent(source: FirmwareSource, neededBytes: number): void {
  const missingBytes = neededBytes - source.sizeBytes;
  if (missingBytes <= 0) return;
  throw new SmpError(
    "SMP_BAD_IMAGE",
    `${source.label} is truncated: its image needs at least ${neededBytes} bytes, it has ${source.sizeBytes}, so ${missingBytes} bytes are missing`,
    { hint: "Copy or download the file again; the copy was cut off." },
  );
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
