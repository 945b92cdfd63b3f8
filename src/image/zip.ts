/** Reads ZIP files, the one place that knows the zip library. Nothing is ever unpacked to a place that the file names. */
import { Readable } from "node:stream";
import { fromRandomAccessReaderPromise, RandomAccessReader, type Entry, type ZipFile } from "yauzl";
import { messageOf, SmpError } from "../errors";
import type { FirmwareSource } from "./firmware-source";

export interface ZipEntry {
  readonly name: string;
  /** As the file says; reading gives exactly so many or fails. */
  readonly sizeBytes: number;
  /** The content, unpacked. @throws SMP_BAD_IMAGE when it is damaged, or packed in a way that is not supported */
  read(): AsyncIterable<Uint8Array>;
}

/** A firmware package has a few files; more is an attack or the wrong file. */
const MAX_ENTRIES = 1000;
const PIECE_BYTES = 64 * 1024;

/**
 * The files in a ZIP file, in its order, without folders. The source stays the caller's.
 * @throws SMP_BAD_IMAGE when it is damaged or has too many files
 */
export async function readZip(source: FirmwareSource): Promise<ZipEntry[]> {
  try {
    const zip = await fromRandomAccessReaderPromise(new Reader(source), source.sizeBytes, { autoClose: false });
    if (zip.entryCount > MAX_ENTRIES) throw new Error(`it has ${zip.entryCount} files, more than ${MAX_ENTRIES}`);
    const entries: ZipEntry[] = [];
    for await (const entry of zip.eachEntry()) {
      if (!entry.fileName.endsWith("/")) entries.push(toEntry(zip, entry, source.label));
    }
    return entries;
  } catch (thrown) {
    throw zipError(source.label, thrown);
  }
}

function toEntry(zip: ZipFile, entry: Entry, label: string): ZipEntry {
  const { fileName: name, uncompressedSize: sizeBytes } = entry;
  return { name, sizeBytes, read: () => content(zip, entry, label) };
}

async function* content(zip: ZipFile, entry: Entry, label: string): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    if (entry.isEncrypted()) throw new Error(`${entry.fileName} is protected by a password`);
    yield* await zip.openReadStreamPromise(entry);
  } catch (thrown) {
    throw zipError(label, thrown);
  }
}

class Reader extends RandomAccessReader {
  readonly #source: FirmwareSource;

  constructor(source: FirmwareSource) {
    super();
    this.#source = source;
  }

  override _readStreamForRange(start: number, end: number): Readable {
    return Readable.from(pieces(this.#source, start, end));
  }
}

async function* pieces(
  source: FirmwareSource,
  start: number,
  end: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  for (let off = start; off < end; off += PIECE_BYTES) yield await source.read(off, Math.min(PIECE_BYTES, end - off));
}

function zipError(label: string, thrown: unknown): SmpError {
  if (thrown instanceof SmpError) return thrown;
  return new SmpError("SMP_BAD_IMAGE", `${label} is a ZIP file that cannot be read: ${messageOf(thrown)}`, {
    cause: thrown,
    hint: "Copy or download it again, as binary; if that does not help, build it again.",
  });
}
