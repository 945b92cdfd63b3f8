/** The trailer that `imgtool --pad` and `--confirm` put at the end of a slot-sized file. Source: MCUboot `design.md`, "Image Trailer". */
import type { FirmwareSource } from "./firmware-source";

export interface Trailer {
  /** "test" makes the image pending, "confirmed" pending for good. */
  readonly kind: "test" | "confirmed";
  /** What uploading the file does, as a sentence. */
  readonly explanation: string;
}

const EXPLANATIONS: Readonly<Record<Trailer["kind"], string>> = {
  test:
    "The file is padded to a whole slot and marked for test. Uploaded to a slot of exactly its size it is pending at once: " +
    "the next reset starts a trial, even if nobody asked for one.",
  confirmed:
    "The file is padded to a whole slot and marked as confirmed. Uploaded to a slot of exactly its size it is pending for good at once: " +
    "the next reset installs it with no way back, even if it does not work. Use zephyr.signed.bin to have a trial.",
};

const MAGIC_BYTES = 16;
const MAGIC_ALIGNED_8 = Buffer.from("77c295f360d2ef7f3552500f2cb67980", "hex");
/** Follows the alignment, 16 bits little-endian, when that is larger than 8. */
const MAGIC_ALIGNED_MORE = Buffer.from("2de15d29410b8d77679c110f1f8a", "hex");
const FLAG_SET = 0x01;

/**
 * The trailer at the end of a file, if it is padded.
 * @param imageBytes where the image ends and padding may begin
 */
export async function readTrailer(source: FirmwareSource, imageBytes: number): Promise<Trailer | undefined> {
  if (source.sizeBytes - imageBytes < MAGIC_BYTES) return undefined;
  const alignmentBytes = alignmentOf(await source.read(source.sizeBytes - MAGIC_BYTES, MAGIC_BYTES));
  if (alignmentBytes === undefined) return undefined;
  // From the end: the magic, then the flag image_ok, each in units of the alignment.
  const imageOkOff = source.sizeBytes - Math.ceil(MAGIC_BYTES / alignmentBytes) * alignmentBytes - alignmentBytes;
  const imageOk = imageOkOff < imageBytes ? undefined : (await source.read(imageOkOff, 1))[0];
  const kind = imageOk === FLAG_SET ? "confirmed" : "test";
  return { kind, explanation: EXPLANATIONS[kind] };
}

function alignmentOf(magic: Uint8Array): number | undefined {
  const bytes = Buffer.from(magic);
  if (bytes.equals(MAGIC_ALIGNED_8)) return 8;
  if (!bytes.subarray(2).equals(MAGIC_ALIGNED_MORE)) return undefined;
  const alignmentBytes = bytes.readUInt16LE(0);
  return alignmentBytes > 0 ? alignmentBytes : undefined;
}
