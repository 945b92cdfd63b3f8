/** Opens whatever a flow or a script gives, as the bytes that it is. */
import { SmpError } from "../errors";
import { openFile } from "./file-source";
import type { FolderLimits } from "./folders";
import {
  checkRange,
  emptyError,
  MAX_FIRMWARE_BYTES,
  renamed,
  sourceError,
  tooLargeError,
  type FirmwareSource,
} from "./firmware-source";
import { spoolStream } from "./spool";

/** A path, the bytes themselves, a stream of Buffers (a Node or web stream, any async iterable), or an open source. */
export type FirmwareInput = string | Uint8Array | AsyncIterable<Uint8Array> | FirmwareSource;

export interface OpenFirmwareOptions {
  signal?: AbortSignal | undefined;
  /** Most bytes that are accepted; default 64 MiB. */
  maxBytes?: number | undefined;
  /** Names the input in messages and in an error's `field`, e.g. "msg.firmware". */
  what?: string | undefined;
  /** Where a file must lie; anywhere when there are no limits. */
  folders?: FolderLimits | undefined;
  /** How messages call the firmware, e.g. "sample:1.5.0"; else its path, "a Buffer of 20656 bytes", … */
  label?: string | undefined;
}

/**
 * Opens it for reading in pieces, whatever it contains. A file stays on disk, a Buffer is used in place, a stream goes to a temporary file.
 * The caller closes the result; a stream or source that was given belongs to it from now on, whatever happens.
 * @throws SMP_BAD_INPUT when it is nothing of {@link FirmwareInput}; SMP_FIRMWARE_SOURCE when it cannot be read;
 *   SMP_BAD_IMAGE when it is empty; SMP_IMAGE_TOO_LARGE above `maxBytes`; the signal's reason on abort
 */
export async function openBytes(input: unknown, options: OpenFirmwareOptions = {}): Promise<FirmwareSource> {
  const { maxBytes = MAX_FIRMWARE_BYTES, what } = options;
  return await blaming(options, async () => {
    const source = await openInput(input, what ?? "the firmware", { ...options, maxBytes });
    if (source.sizeBytes <= maxBytes) return options.label === undefined ? source : renamed(source, options.label);
    await source.close();
    throw tooLargeError(source.label, maxBytes);
  });
}

/** Names what the firmware came from in the errors of `work`, as their `field`. */
export async function blaming<T>({ what }: OpenFirmwareOptions, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    throw thrown instanceof SmpError && what !== undefined ? thrown.with({ field: what }) : thrown;
  }
}

function openInput(
  input: unknown,
  what: string,
  options: OpenFirmwareOptions,
): Promise<FirmwareSource> | FirmwareSource {
  if (typeof input === "string") {
    checkPath(input, what);
    return openFile(input, what, options);
  }
  if (input instanceof Uint8Array) return new BytesSource(input);
  if (isSource(input)) return input;
  if (isAsyncIterable(input)) return spoolStream(input, `the stream of ${what}`, options);
  throw badInput(what, describe(input));
}

class BytesSource implements FirmwareSource {
  readonly label: string;
  readonly sizeBytes: number;
  readonly servedFrom = "memory";
  #bytes: Uint8Array | undefined;

  constructor(bytes: Uint8Array) {
    this.label = `a Buffer of ${bytes.length} bytes`;
    this.sizeBytes = bytes.length;
    this.#bytes = bytes;
    if (bytes.length === 0) throw emptyError("the firmware Buffer", "Check the node that reads the file.");
  }

  async read(offBytes: number, lengthBytes: number): Promise<Uint8Array> {
    checkRange(this, offBytes, lengthBytes);
    if (!this.#bytes) throw sourceError(`cannot read ${this.label}: it was closed already`);
    return this.#bytes.subarray(offBytes, offBytes + lengthBytes);
  }

  async close(): Promise<void> {
    this.#bytes = undefined;
  }
}

/** Longer than any path of the systems that Node runs on, and shorter than any firmware. */
const MAX_PATH_LENGTH = 4096;

function checkPath(path: string, what: string): void {
  if (path.trim() === "") throw badInput(what, "empty text");
  if (/^https?:\/\//i.test(path)) {
    throw badInput(what, "a URL", { hint: "Fetch it with an http request node that returns a binary buffer." });
  }
  // A NUL and the replacement character are what a binary file becomes when it is read as text. Lines are a text's
  // content, perhaps a key's, which no message may show.
  if (path.length > MAX_PATH_LENGTH || /[\0\uFFFD]/.test(path) || /[\r\n]/.test(path.trim())) {
    throw badInput(what, `text of ${path.length} characters that is no path`, {
      hint: "If this is a file's content, let the node that reads it give a Buffer instead of text.",
    });
  }
}

function isSource(input: unknown): input is FirmwareSource {
  const { label, sizeBytes, read, close } = (input ?? {}) as Partial<Record<keyof FirmwareSource, unknown>>;
  return (
    typeof label === "string" &&
    typeof sizeBytes === "number" &&
    typeof read === "function" &&
    typeof close === "function"
  );
}

function isAsyncIterable(input: unknown): input is AsyncIterable<unknown> {
  return typeof (input as Partial<AsyncIterable<unknown>> | null | undefined)?.[Symbol.asyncIterator] === "function";
}

function badInput(what: string, given: string, options?: { hint: string }): SmpError {
  const message = `${what} must be a file's path, a Buffer or a stream of Buffers; it is ${given}`;
  return new SmpError("SMP_BAD_INPUT", message, options);
}

function describe(input: unknown): string {
  if (input === undefined) return "missing";
  if (input === null) return "null";
  if (Array.isArray(input)) return `an array of ${input.length}`;
  if (typeof input !== "object") return `a ${typeof input}`;
  if ((input as { type?: unknown }).type === "Buffer") return "a Buffer that was turned into JSON";
  const keys = Object.keys(input);
  return keys.length === 0 ? "an object without keys" : `an object with ${keys.slice(0, 5).join(", ")}`;
}
