/** A trace as JSON lines in a file of bounded size: when it is full it becomes FILE.1, in place of the one before. */
import { mkdir, open, rename, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { messageOf } from "../errors";
import { TRACE_VERSION, type TraceLine, type TraceRecord, type TraceSink } from "./record";

/** Where a trace goes, and how much of it is kept. */
export interface TraceFileOptions {
  readonly path: string;
  /** Of FILE and FILE.1 together. */
  readonly maxBytes: number;
  readonly frames: TraceSink["frames"];
  /** Told once why nothing more is written. */
  readonly onFault: (message: string) => void;
}

/** A trace on its way to a file. */
export interface TraceFile extends TraceSink {
  /** Writes what is left; never throws. */
  close(): Promise<void>;
}

/** More than this waits for no disk: it is dropped and counted. */
const MAX_QUEUED_CHARS = 4 * 1024 * 1024;

/** Begins with the first record; readable by its owner alone. */
export function traceFile(options: TraceFileOptions): TraceFile {
  return new BoundedFile(options);
}

class BoundedFile implements TraceFile {
  readonly frames: TraceSink["frames"];
  readonly #options: TraceFileOptions;
  #queue: string[] = [];
  #queuedChars = 0;
  #lost = 0;
  #file: FileHandle | undefined;
  #fileBytes = 0;
  /** This process has told that it begins, in this file. */
  #isBegun = false;
  #writing: Promise<void> | undefined;
  #hasFailed = false;

  constructor(options: TraceFileOptions) {
    this.#options = options;
    this.frames = options.frames;
  }

  take(record: TraceRecord): void {
    if (this.#hasFailed) return;
    if (this.#queuedChars > MAX_QUEUED_CHARS) {
      this.#lost++;
      return;
    }
    if (this.#lost > 0) this.#put({ kind: "lost", records: this.#lost });
    this.#lost = 0;
    this.#put(record);
    this.#writing ??= this.#write();
  }

  async close(): Promise<void> {
    await this.#writing;
    await this.#file?.close().catch(() => undefined);
    this.#file = undefined;
  }

  #put(line: TraceLine): void {
    const text = textOf(line);
    this.#queue.push(text);
    this.#queuedChars += text.length;
  }

  async #write(): Promise<void> {
    try {
      while (this.#queue.length > 0) await this.#append(this.#takeLines());
    } catch (fault) {
      this.#hasFailed = true;
      this.#queue = [];
      this.#options.onFault(`the trace into ${this.#options.path} ends: ${messageOf(fault)}`);
    } finally {
      this.#writing = undefined;
    }
  }

  /** As many as one file takes, at least one. */
  #takeLines(): Buffer {
    let chars = 0;
    const firstLeft = this.#queue.findIndex((line) => (chars += line.length) > this.#options.maxBytes / 4);
    const lines = this.#queue.splice(0, firstLeft < 0 ? this.#queue.length : Math.max(1, firstLeft)).join("");
    this.#queuedChars -= lines.length;
    return Buffer.from(lines);
  }

  async #append(lines: Buffer): Promise<void> {
    this.#file ??= await this.#open();
    const start = this.#isBegun ? Buffer.alloc(0) : this.#start();
    const isFull = this.#fileBytes + start.length + lines.length > this.#options.maxBytes / 2;
    if (this.#fileBytes > 0 && isFull) {
      await this.#rotate();
      return await this.#append(lines);
    }
    await this.#file.appendFile(Buffer.concat([start, lines]));
    this.#isBegun = true;
    this.#fileBytes += start.length + lines.length;
  }

  async #open(): Promise<FileHandle> {
    await mkdir(dirname(this.#options.path), { recursive: true });
    const file = await open(this.#options.path, "a", 0o600);
    this.#fileBytes = (await file.stat()).size;
    this.#isBegun = false;
    return file;
  }

  #start(): Buffer {
    const { frames } = this;
    return Buffer.from(textOf({ kind: "trace", version: TRACE_VERSION, at: new Date().toISOString(), frames }));
  }

  async #rotate(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
    await rename(this.#options.path, `${this.#options.path}.1`);
  }
}

function textOf(line: TraceLine): string {
  return `${JSON.stringify(line)}\n`;
}
