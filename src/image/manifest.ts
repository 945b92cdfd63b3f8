/**
 * `manifest.json` of the nRF Connect SDK's dfu_application.zip, formats 0 and 1. Source: sdk-nrf `cmake/sysbuild/zip.cmake`
 * and `scripts/bootloader/generate_zip.py`.
 */
import { SmpError } from "../errors";

export interface ManifestFile {
  /** Name in the package. */
  readonly file: string;
  /** "bootloader": for the immutable bootloader's slots, not for MCUboot's. */
  readonly role: "application" | "bootloader";
  readonly image: number;
  /** Of a build that runs in one slot alone; within its image. */
  readonly slot: 0 | 1 | undefined;
  readonly sizeBytes: number | undefined;
  /** The build's board, e.g. "nrf5340dk_nrf5340_cpunet". */
  readonly board: string | undefined;
}

export interface Manifest {
  readonly name: string | undefined;
  readonly files: readonly ManifestFile[];
}

/**
 * @param label names the package
 * @throws SMP_BAD_IMAGE when it is no manifest, names no file, or is for another kind of device
 */
export function parseManifest(text: string, label: string): Manifest {
  const { name, files } = recordOf(parseJson(text, label));
  if (!Array.isArray(files) || files.length === 0) throw badManifest(label, "it lists no files");
  return {
    name: typeof name === "string" ? name : undefined,
    files: files.map((entry: unknown, index) => readFile(recordOf(entry), `files[${index}]`, label)),
  };
}

/** Old packaging scripts wrote hexadecimal numbers, which JSON does not have. */
const HEX_NUMBER = /(:\s*)(0x[0-9a-f]+)/gi;

function parseJson(text: string, label: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, "").replace(HEX_NUMBER, (_, before, hex) => `${before}${Number(hex)}`));
  } catch {
    throw badManifest(label, "it is no JSON");
  }
}

function readFile(entry: Record<string, unknown>, path: string, label: string): ManifestFile {
  const { file, type, size, board } = entry;
  if (typeof file !== "string" || file === "") throw badManifest(label, `${path} names no file`);
  if (typeof type === "string" && /^(suit|cache)/i.test(type)) {
    throw new SmpError("SMP_BAD_IMAGE", `${label} is a package for SUIT (${file} is a ${type}), not for MCUboot`, {
      hint: "SUIT devices are not supported.",
    });
  }
  const image = numberIn(entry["image"] ?? entry["image_index"], `${path}.image_index`, label) ?? 0;
  const slot = numberIn(entry["slot"], `${path}.slot`, label);
  return {
    file,
    role: type === "mcuboot" ? "bootloader" : "application",
    image,
    slot: slot === undefined ? undefined : slotOf(slot, image, label),
    board: typeof board === "string" ? board : undefined,
    sizeBytes: numberIn(size, `${path}.size`, label),
  };
}

/** The numbers are texts in most manifests. */
function numberIn(value: unknown, path: string, label: string): number | undefined {
  if (value === undefined || value === null || value === "") return undefined;
  const number = typeof value === "string" ? Number(value) : value;
  if (typeof number === "number" && Number.isInteger(number) && number >= 0) return number;
  throw badManifest(label, `${path} is no whole number`);
}

/** Newer SDKs count the slots of all images, older ones within an image. */
function slotOf(slot: number, image: number, label: string): 0 | 1 {
  const own = slot >= 2 ? slot - 2 * image : slot;
  if (own === 0 || own === 1) return own;
  throw badManifest(label, `slot ${slot} is none of image ${image}`);
}

function badManifest(label: string, why: string): SmpError {
  return new SmpError("SMP_BAD_IMAGE", `${label} is no usable firmware package: of its manifest.json, ${why}`, {
    hint: "Use dfu_application.zip of the build, or unpack the image, e.g. app_update.bin.",
  });
}

function recordOf(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
