/** Firmware that arrives piece by piece, kept in a temporary file until it is complete. */
import { randomUUID } from "node:crypto";
import { open, rm, unlink, type FileHandle } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { withDeadline } from "../clock";
import { messageOf, SmpError, toSmpError } from "../errors";
import { openedTemporaryFile } from "./file-source";
import { emptyError, MAX_FIRMWARE_BYTES, sourceError, tooLargeError, type FirmwareSource } from "./firmware-source";

/** A stream that gives nothing for so long is stuck: a web server, a pipe or a slow disk answers sooner. */
const STREAM_IDLE_MS = 60_000;

/** How much a spool takes. */
export interface SpoolOptions {
  /** Most bytes that are taken; default 64 MiB. */
  maxBytes?: number | undefined;
}

/**
 * A temporary file that pieces of firmware are written to.
 * @param label names the firmware in messages, e.g. "the stream of msg.payload"
 * @throws SMP_FIRMWARE_SOURCE when the temporary file cannot be made
 */
export async function createSpool(label: string, { maxBytes = MAX_FIRMWARE_BYTES }: SpoolOptions = {}): Promise<Spool> {
  const path = join(tmpdir(), `smp-firmware-${randomUUID()}.bin`);
  try {
    const handle = await open(path, "wx+", 0o600);
    // Without a name the file cannot outlive this process, however that ends. Where the system refuses, close removes it.
    await unlink(path).catch(() => undefined);
    return new Spool({ handle, path, label, maxBytes });
  } catch (thrown) {
    throw spoolError(label, thrown);
  }
}

/** Made by {@link createSpool}. Whoever made it calls `finish` or `discard`. */
export class Spool {
  readonly #file: { handle: FileHandle; path: string; label: string; maxBytes: number };
  #writtenBytes = 0;
  #writes: Promise<void> = Promise.resolve();
  #failure: SmpError | undefined;
  #state: "open" | "finished" | "discarded" = "open";

  constructor(file: { handle: FileHandle; path: string; label: string; maxBytes: number }) {
    this.#file = file;
  }

  get writtenBytes(): number {
    return this.#writtenBytes;
  }

  /**
   * Appends a piece; pieces keep the order of the calls. After a failure the spool is discarded.
   * @throws SMP_BAD_INPUT when it is no Buffer, SMP_IMAGE_TOO_LARGE above the limit, SMP_FIRMWARE_SOURCE when it cannot be stored
   */
  write(piece: unknown): Promise<void> {
    const written = this.#writes.then(() => this.#append(piece));
    this.#writes = written.catch(async (thrown: unknown) => {
      this.#failure ??= toSmpError(thrown);
      await this.discard();
    });
    // The caller hears of a failure only when the temporary file is gone.
    return this.#writes.then(() => written);
  }

  /**
   * What was written, as a source; its `close` removes the temporary file.
   * @throws the first failure of a write; SMP_BAD_IMAGE when nothing was written
   */
  async finish(): Promise<FirmwareSource> {
    await this.#writes;
    if (this.#failure) throw this.#failure;
    this.#checkOpen();
    if (this.#writtenBytes === 0) {
      await this.discard();
      throw emptyError(this.#file.label, "Check that nothing else read it before.");
    }
    this.#state = "finished";
    return openedTemporaryFile(this.#file.handle, `${this.#file.label} (${this.#writtenBytes} bytes)`, () =>
      this.#remove(),
    );
  }

  /** Removes the temporary file; after `finish`, or a second time, it does nothing. */
  async discard(): Promise<void> {
    if (this.#state !== "open") return;
    this.#state = "discarded";
    await this.#file.handle.close();
    await this.#remove();
  }

  async #append(piece: unknown): Promise<void> {
    const { handle, label, maxBytes } = this.#file;
    this.#checkOpen();
    if (!(piece instanceof Uint8Array)) {
      throw new SmpError(
        "SMP_BAD_INPUT",
        `${label} must give Buffers; after ${this.#writtenBytes} bytes it gave ${typeof piece}`,
        {
          hint: "Read the file as binary: no encoding, no lines.",
        },
      );
    }
    if (this.#writtenBytes + piece.length > maxBytes) throw tooLargeError(label, maxBytes);
    try {
      await handle.appendFile(piece);
    } catch (thrown) {
      throw spoolError(label, thrown);
    }
    this.#writtenBytes += piece.length;
  }

  #checkOpen(): void {
    if (this.#state !== "open") throw sourceError(`cannot use ${this.#file.label}: it was ${this.#state} already`);
  }

  #remove(): Promise<void> {
    return rm(this.#file.path, { force: true });
  }
}

/**
 * Reads a stream to its end into a temporary file, one piece at a time. A stream that is given up is destroyed.
 * @throws SMP_FIRMWARE_SOURCE when the stream fails or stands still; the signal's reason on abort; else as {@link Spool}
 */
export async function spoolStream(
  stream: AsyncIterable<unknown>,
  label: string,
  options: SpoolOptions & { signal?: AbortSignal | undefined } = {},
): Promise<FirmwareSource> {
  let spool: Spool | undefined;
  let iterator: AsyncIterator<unknown> | undefined;
  try {
    spool = await createSpool(label, options);
    const pieces = (iterator = stream[Symbol.asyncIterator]());
    for (;;) {
      const next = await withDeadline(`the next part of ${label}`, STREAM_IDLE_MS, options.signal, () => pieces.next());
      if (next.done) return await spool.finish();
      await spool.write(next.value);
    }
  } catch (thrown) {
    giveUp(stream, iterator);
    await spool?.discard();
    throw streamError(thrown, label, spool?.writtenBytes ?? 0);
  }
}

function giveUp(stream: AsyncIterable<unknown>, iterator: AsyncIterator<unknown> | undefined): void {
  const readable = stream as { destroy?: () => void; on?: (event: string, listener: () => void) => void };
  if (typeof readable.destroy === "function") {
    // A late error of a stream that nobody reads any more must not end the process.
    readable.on?.("error", () => undefined);
    readable.destroy();
  } else {
    // Not awaited: an iterator that hangs in next() hangs here as well.
    iterator?.return?.().catch(() => undefined);
  }
}

function streamError(thrown: unknown, label: string, readBytes: number): unknown {
  if (thrown instanceof SmpError && thrown.code !== "SMP_TIMEOUT") return thrown;
  return sourceError(`${label} failed after ${readBytes} bytes: ${messageOf(thrown)}`, {
    cause: thrown,
    retryable: true,
    hint: "Check what feeds the stream, then send it again.",
  });
}

function spoolError(label: string, thrown: unknown): SmpError {
  return sourceError(`cannot store ${label} in the temporary directory: ${messageOf(thrown)}`, {
    cause: thrown,
    hint: `Free space in ${tmpdir()}, and let this process write there.`,
  });
}
