/** Firmware in a file that stays open, is read in pieces that all share, and must not change meanwhile. */
import { randomUUID } from "node:crypto";
import { open, stat, type FileHandle } from "node:fs/promises";
import { resolve } from "node:path";
import { throwIfAborted } from "../clock";
import { messageOf, type SmpError } from "../errors";
import { BLOCK_BYTES, fileBlocks } from "./block-cache";
import { realPathWithin, type FolderLimits } from "./folders";
import { checkRange, emptyError, sourceError, type FirmwareSource } from "./firmware-source";

export interface OpenFileOptions {
  readonly signal?: AbortSignal | undefined;
  /** Where the file must lie; anywhere when there are no limits. */
  readonly folders?: FolderLimits | undefined;
}

/**
 * Opens a regular file.
 * @param what names the input in messages, e.g. "msg.firmware"
 * @throws SMP_FIRMWARE_SOURCE when it does not exist, is no regular file or cannot be read; SMP_BAD_IMAGE when it is empty
 */
export async function openFile(path: string, what: string, options: OpenFileOptions = {}): Promise<FirmwareSource> {
  const { signal, folders = [] } = options;
  throwIfAborted(signal);
  let handle: FileHandle | undefined;
  try {
    const place = realPathWithin(path, what, folders);
    // Before opening, because opening a named pipe waits for its writer.
    const found = await stat(place);
    if (!found.isFile()) {
      const kind = found.isDirectory() ? "a directory" : "a device or pipe";
      throw sourceError(`cannot read ${what}: ${path} is ${kind}, not a file`, NOT_A_FILE);
    }
    handle = await open(place, "r");
    const { stamp, identity } = await lookAt(handle);
    if (stamp.sizeBytes === 0) {
      throw emptyError(`the firmware file ${path}`, "Build it again or check how it was copied.");
    }
    throwIfAborted(signal);
    return new FileSource({ handle, label: path, stamp, identity: `${place}:${identity}` });
  } catch (thrown) {
    await handle?.close();
    throw isSystemError(thrown) ? openError(thrown, path, what) : thrown;
  }
}

/**
 * A source over an open temporary file that nobody else writes to; the source owns it from now on.
 * @param remove runs once, after the file is closed
 */
export async function openedTemporaryFile(
  handle: FileHandle,
  label: string,
  remove: () => Promise<void>,
): Promise<FirmwareSource> {
  const { stamp } = await lookAt(handle);
  return new FileSource({ handle, label, stamp, identity: randomUUID(), remove });
}

/** What tells that a file was written to since. */
interface Stamp {
  readonly sizeBytes: number;
  readonly modifiedNs: bigint;
}

/** The identity is another one as soon as the content may be another one. */
async function lookAt(handle: FileHandle): Promise<{ stamp: Stamp; identity: string }> {
  const { dev, ino, size, mtimeNs, ctimeNs } = await handle.stat({ bigint: true });
  const identity = [dev, ino, size, mtimeNs, ctimeNs].join(":");
  return { stamp: { sizeBytes: Number(size), modifiedNs: mtimeNs }, identity };
}

interface OpenedFile {
  readonly handle: FileHandle;
  readonly label: string;
  readonly stamp: Stamp;
  /** Whoever opens the same content under the same identity shares what is read of it. */
  readonly identity: string;
  /** Of a temporary file that nobody else writes to. */
  readonly remove?: () => Promise<void>;
}

class FileSource implements FirmwareSource {
  readonly label: string;
  readonly sizeBytes: number;
  readonly servedFrom: "file" | "spool";
  readonly #handle: FileHandle;
  readonly #opened: Stamp;
  readonly #identity: string;
  readonly #remove: (() => Promise<void>) | undefined;
  #closing: Promise<void> | undefined;

  constructor({ handle, label, stamp, identity, remove }: OpenedFile) {
    this.label = label;
    this.sizeBytes = stamp.sizeBytes;
    this.servedFrom = remove ? "spool" : "file";
    this.#handle = handle;
    this.#opened = stamp;
    this.#identity = identity;
    this.#remove = remove;
    fileBlocks.opened(identity);
  }

  async read(offBytes: number, lengthBytes: number): Promise<Uint8Array> {
    checkRange(this, offBytes, lengthBytes);
    if (this.#closing) throw sourceError(`cannot read ${this.label}: it was closed already`);
    try {
      const bytes = await this.#readBlocks(offBytes, lengthBytes);
      // Also what came from another one's reading: each upload notices that its file changed.
      await this.#checkUnchanged();
      return bytes;
    } catch (thrown) {
      if (!isSystemError(thrown)) throw thrown;
      throw sourceError(`cannot read ${this.label} at byte ${offBytes}: ${messageOf(thrown)}`, { cause: thrown });
    }
  }

  close(): Promise<void> {
    if (!this.#closing) {
      fileBlocks.closed(this.#identity);
      this.#closing = this.#handle.close().then(this.#remove);
    }
    return this.#closing;
  }

  /** In place when they lie in one block. */
  async #readBlocks(offBytes: number, lengthBytes: number): Promise<Uint8Array> {
    const pieces: Uint8Array[] = [];
    const endBytes = offBytes + lengthBytes;
    let off = offBytes;
    while (off < endBytes) {
      const start = off - (off % BLOCK_BYTES);
      const block = await this.#readBlock(start);
      pieces.push(block.subarray(off - start, endBytes - start));
      off = start + block.length;
    }
    return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
  }

  #readBlock(offBytes: number): Promise<Uint8Array> {
    const lengthBytes = Math.min(BLOCK_BYTES, this.sizeBytes - offBytes);
    const load = async (): Promise<Uint8Array> => {
      const bytes = await this.#readFully(offBytes, lengthBytes);
      // Looked at afterwards, so that what is kept was read before any change that this does not see yet.
      await this.#checkUnchanged(bytes === undefined);
      return bytes!;
    };
    return fileBlocks.read({ file: this.#identity, offBytes, lengthBytes, load });
  }

  /** Nothing when the file ends before. */
  async #readFully(offBytes: number, lengthBytes: number): Promise<Uint8Array | undefined> {
    const bytes = Buffer.allocUnsafeSlow(lengthBytes);
    let filledBytes = 0;
    while (filledBytes < lengthBytes) {
      const { bytesRead } = await this.#handle.read(
        bytes,
        filledBytes,
        lengthBytes - filledBytes,
        offBytes + filledBytes,
      );
      if (bytesRead === 0) return undefined;
      filledBytes += bytesRead;
    }
    return bytes;
  }

  async #checkUnchanged(endedEarly = false): Promise<void> {
    const { stamp } = await lookAt(this.#handle);
    if (endedEarly || this.#isChanged(stamp)) throw this.#changedError(stamp);
  }

  #isChanged(now: Stamp): boolean {
    // Some systems write the time of our own last write late, so it says nothing about a temporary file.
    if (this.#remove) return false;
    return now.sizeBytes !== this.#opened.sizeBytes || now.modifiedNs !== this.#opened.modifiedNs;
  }

  #changedError(now: Stamp): SmpError {
    const how =
      now.sizeBytes === this.#opened.sizeBytes
        ? "it was written to"
        : `it had ${this.#opened.sizeBytes} bytes and has ${now.sizeBytes} now`;
    return sourceError(`the firmware file ${this.label} changed while it was in use: ${how}`, {
      hint: "Start again with the finished file; let a build write elsewhere and move its result into place.",
    });
  }
}

const NOT_A_FILE = { hint: "Name the firmware file itself, e.g. zephyr.signed.bin." };

const OPEN_FAILURES: Readonly<Record<string, string>> = {
  ENOENT: "does not exist",
  EACCES: "may not be read by the user that runs this process",
  EPERM: "may not be read by the user that runs this process",
};

function openError(thrown: NodeJS.ErrnoException, path: string, what: string): SmpError {
  const full = resolve(path);
  const place = full === path ? path : `${path} (${full})`;
  const why = OPEN_FAILURES[thrown.code ?? ""];
  const message = `cannot read ${what}: ${why ? `the file ${place} ${why}` : `${place}: ${messageOf(thrown)}`}`;
  return sourceError(message, { cause: thrown, ...hintFor(path) });
}

function hintFor(path: string): { hint?: string } {
  if (path !== path.trim()) return { hint: "Remove the blank or line end at the edge of the path." };
  return {};
}

function isSystemError(thrown: unknown): thrown is NodeJS.ErrnoException {
  return thrown instanceof Error && "syscall" in thrown;
}
