/** The images in a dfu_application.zip. */
import { throwIfAborted } from "../clock";
import { SmpError } from "../errors";
import { renamed, type FirmwareSource } from "./firmware-source";
import { inspectFirmware } from "./inspect";
import { parseManifest, type ManifestFile } from "./manifest";
import type { FirmwarePart } from "./package";
import { spoolStream } from "./spool";
import { readZip, type ZipEntry } from "./zip";

const MANIFEST = "manifest.json";
/** That of a large product has a few thousand bytes. */
const MAX_MANIFEST_BYTES = 256 * 1024;

interface Limits {
  /** Of all images together, unpacked. */
  readonly maxBytes: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * Unpacks all images that the manifest names to temporary files and checks them. The source stays the caller's.
 * @throws SMP_BAD_IMAGE when the package or an image in it is not well-formed; SMP_IMAGE_TOO_LARGE; the signal's reason
 */
export async function readPackage(
  source: FirmwareSource,
  limits: Limits,
): Promise<{ name: string | undefined; parts: FirmwarePart[] }> {
  const { label } = source;
  const entries = await readZip(source);
  const { name, files } = parseManifest(await readManifest(entries, label), label);
  const parts: FirmwarePart[] = [];
  try {
    let leftBytes = limits.maxBytes;
    for (const file of files) {
      const part = await readPart(findEntry(entries, file, label), file, label, { ...limits, maxBytes: leftBytes });
      leftBytes -= part.source.sizeBytes;
      parts.push(part);
    }
    return { name, parts };
  } catch (thrown) {
    await Promise.all(parts.map((part) => part.source.close()));
    throw thrown;
  }
}

async function readManifest(entries: readonly ZipEntry[], label: string): Promise<string> {
  const entry = entries.find(({ name }) => name === MANIFEST);
  if (!entry) {
    const files = entries.slice(0, 5).map(({ name }) => name);
    const held = files.length === 0 ? "nothing" : files.join(", ") + (entries.length > files.length ? ", …" : "");
    throw new SmpError("SMP_BAD_IMAGE", `${label} is no firmware package: it has no ${MANIFEST}, it has ${held}`, {
      hint: "Use dfu_application.zip of the build, or unpack the image, e.g. app_update.bin.",
    });
  }
  if (entry.sizeBytes > MAX_MANIFEST_BYTES) {
    throw new SmpError(
      "SMP_BAD_IMAGE",
      `${label} is no firmware package: its ${MANIFEST} has ${entry.sizeBytes} bytes`,
    );
  }
  const pieces: Uint8Array[] = [];
  for await (const piece of entry.read()) pieces.push(piece);
  return Buffer.concat(pieces).toString("utf8");
}

function findEntry(entries: readonly ZipEntry[], { file, sizeBytes }: ManifestFile, label: string): ZipEntry {
  const entry = entries.find(({ name }) => name === file);
  const hint = "Build the package again; it was put together wrongly.";
  if (!entry) throw new SmpError("SMP_BAD_IMAGE", `${label} lacks ${file}, which its ${MANIFEST} names`, { hint });
  if (sizeBytes === undefined || sizeBytes === entry.sizeBytes) return entry;
  const message = `${file} in ${label} has ${entry.sizeBytes} bytes, its ${MANIFEST} says ${sizeBytes}`;
  throw new SmpError("SMP_BAD_IMAGE", message, { hint });
}

async function readPart(entry: ZipEntry, file: ManifestFile, label: string, limits: Limits): Promise<FirmwarePart> {
  const { maxBytes, signal } = limits;
  throwIfAborted(signal);
  const name = `${file.file} in ${label}`;
  if (entry.sizeBytes > maxBytes) {
    const message = `${name} unpacks to ${entry.sizeBytes} bytes, more than the ${maxBytes} that are left for the package`;
    throw new SmpError("SMP_IMAGE_TOO_LARGE", message, { limit: maxBytes, hint: "No firmware is so large." });
  }
  const source = renamed(await spoolStream(entry.read(), name, { maxBytes, signal }), name);
  try {
    const info = await inspectFirmware(source, { signal });
    const { image, slot, role, board } = file;
    return { name: file.file, image, slot, role, board, source, info };
  } catch (thrown) {
    await source.close();
    throw thrown;
  }
}
