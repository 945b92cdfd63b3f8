/** Firmware as people have it: an image, an Intel HEX file, or a package of several images. */
import { createHash } from "node:crypto";
import { basename } from "node:path/posix";
import { SmpError } from "../errors";
import { MAX_FIRMWARE_BYTES, renamed, type FirmwareSource } from "./firmware-source";
import { readPieces } from "./hashing";
import { inspectFirmware, type FirmwareInfo } from "./inspect";
import { convertHex } from "./intel-hex";
import type { ManifestFile } from "./manifest";
import { IMAGE_MAGIC } from "./mcuboot";
import { blaming, openBytes, type OpenFirmwareOptions } from "./open-bytes";
import { readPackage } from "./zip-package";

/** What a file is: told from its first bytes. */
export type PackageKind = "image" | "zip" | "hex";

/** One image of a package. */
export interface FirmwarePart {
  /** The file in the package, or the label of a file that is no package. */
  readonly name: string;
  /** Number of the image that it is for; undefined when only the user knows, as of a single file. */
  readonly image: number | undefined;
  /** The slot for which it is built, of a pair of builds for direct XIP. */
  readonly slot: 0 | 1 | undefined;
  /** "bootloader": a new MCUboot, for an immutable bootloader before it. */
  readonly role: ManifestFile["role"];
  /** As its manifest says, e.g. "nrf5340dk_nrf5340_cpunet". */
  readonly board?: string | undefined;
  readonly source: FirmwareSource;
  readonly info: FirmwareInfo;
}

/** Firmware that was opened and checked; the one who opened it closes it. */
export interface FirmwarePackage {
  readonly kind: PackageKind;
  readonly label: string;
  /** As its manifest says. */
  readonly name: string | undefined;
  /** SHA-256 of the file as it was given, in hex. */
  readonly sha256: string;
  readonly parts: readonly [FirmwarePart, ...FirmwarePart[]];
  /** Closes the sources of all parts; closing twice is harmless. */
  close(): Promise<void>;
}

/**
 * Opens firmware of any kind and checks all images in it, as `inspectFirmware` does.
 * @throws as `openBytes` and `inspectFirmware`; SMP_BAD_IMAGE also for a package or hex file that is not well-formed
 */
export async function openFirmwarePackage(input: unknown, options: OpenFirmwareOptions = {}): Promise<FirmwarePackage> {
  const source = await openBytes(input, options);
  return await blaming(options, async () => {
    try {
      return await packageOf(source, await kindOf(source), options);
    } catch (thrown) {
      await source.close();
      throw thrown;
    }
  });
}

/** "app_update.bin (image 0, 1.2.3+4), …", for messages. */
export function listParts(parts: readonly FirmwarePart[]): string {
  return parts.map(({ name, image, slot, info }) => `${name} (${placeOf(image, slot)}${info.versionText})`).join(", ");
}

function placeOf(image: number | undefined, slot: number | undefined): string {
  if (image === undefined) return "";
  return `image ${image}, ${slot === undefined ? "" : `for slot ${slot}, `}`;
}

const ZIP_MAGICS = ["504b0304", "504b0506"];
/** Of a hex file: the colon and 8 digits. */
const START_BYTES = 9;

/** @throws as the source's `read` */
export async function kindOf(source: FirmwareSource): Promise<PackageKind> {
  const start = Buffer.from(await source.read(0, Math.min(START_BYTES, source.sizeBytes)));
  if (ZIP_MAGICS.includes(start.toString("hex", 0, 4))) return "zip";
  return /^:[0-9a-f]{8}/i.test(start.toString("latin1")) ? "hex" : "image";
}

/** The source belongs to the package, once it is one. @throws as {@link openFirmwarePackage} */
export async function packageOf(
  source: FirmwareSource,
  kind: PackageKind,
  { signal, maxBytes = MAX_FIRMWARE_BYTES }: OpenFirmwareOptions,
): Promise<FirmwarePackage> {
  if (kind === "image") {
    const info = await inspectFirmware(source, { signal });
    const part: FirmwarePart = { name: source.label, ...ANYWHERE, source, info };
    return toPackage(source, { kind, name: undefined, sha256: info.fileSha256, parts: [part] });
  }
  const limits = { maxBytes, signal };
  const sha256 = await sha256Of(source, signal);
  const { name, parts } = kind === "zip" ? await readPackage(source, limits) : await readHex(source, limits);
  const [first, ...rest] = parts.map((part) => ({ ...part, info: { ...part.info, packageSha256: sha256 } }));
  return toPackage(source, { kind, name, sha256, parts: [first!, ...rest] });
}

const ANYWHERE = { image: undefined, slot: undefined, role: "application" } as const;

function toPackage(source: FirmwareSource, pack: Omit<FirmwarePackage, "label" | "close">): FirmwarePackage {
  const sources = [source, ...pack.parts.map((part) => part.source)];
  const close = async (): Promise<void> => void (await Promise.all(sources.map((each) => each.close())));
  return { ...pack, label: source.label, close };
}

async function readHex(
  source: FirmwareSource,
  limits: { maxBytes: number; signal: AbortSignal | undefined },
): Promise<{ name: undefined; parts: FirmwarePart[] }> {
  const binary = renamed(await convertHex(source, limits), source.label);
  try {
    await checkMagic(binary);
    const info = await inspectFirmware(binary, { signal: limits.signal });
    return { name: undefined, parts: [{ name: basename(source.label), ...ANYWHERE, source: binary, info }] };
  } catch (thrown) {
    await binary.close();
    throw thrown;
  }
}

async function checkMagic(binary: FirmwareSource): Promise<void> {
  const { length } = IMAGE_MAGIC;
  if (binary.sizeBytes >= length && IMAGE_MAGIC.equals(await binary.read(0, length))) return;
  throw new SmpError("SMP_BAD_IMAGE", `${binary.label} is no MCUboot image: its lowest address holds no image header`, {
    hint: "Use zephyr.signed.hex or zephyr.signed.bin; merged.hex also holds the bootloader and is for a programmer only.",
  });
}

async function sha256Of(source: FirmwareSource, signal: AbortSignal | undefined): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of readPieces(source, source.sizeBytes, signal)) hash.update(piece);
  return hash.digest("hex");
}
