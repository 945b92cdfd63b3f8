/** A link over a stream of bytes. */
import { raceAbort, sleep, throwIfAborted } from "../../clock";
import { messageOf, SmpError } from "../../errors";
import { FrameQueue } from "../frame-queue";
import type { FrameFacts, Link } from "../transport";
import type { SerialAddress } from "./address";
import type { ByteListener, ByteStream } from "./byte-stream";
import { type Framer, framerFor } from "./framer";
import { LinePace } from "./line-pace";

export class SerialLink implements Link, ByteListener {
  readonly label: string;
  readonly maxInFlight = 1;
  readonly maxFrameBytes: number;
  readonly bufferOverheadBytes: number;
  readonly frames = new FrameQueue();
  readonly #framer: Framer;
  readonly #lineDelayMs: number;
  readonly #pace: LinePace;
  #stream: ByteStream | undefined;
  #over: string | undefined;
  readonly #ended = new AbortController();
  #hasSent = false;
  /** Frames are written one after the other. */
  #turn: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | undefined;

  /** @param pace what is known of the device from earlier links */
  constructor({ key, settings }: SerialAddress, pace = new LinePace()) {
    this.#pace = pace;
    this.label = `serial:${key}`;
    this.#framer = framerFor(settings.framing);
    this.#lineDelayMs = settings.lineDelayMs;
    this.maxFrameBytes = this.#framer.maxFrameBytes;
    this.bufferOverheadBytes = this.#framer.bufferOverheadBytes;
  }

  /** The stream that was opened with this as its listener. */
  attach(stream: ByteStream): this {
    this.#stream = stream;
    return this;
  }

  describeDrops(): string {
    return this.#framer.describeDrops();
  }

  async send(frame: Uint8Array, signal: AbortSignal, facts?: FrameFacts): Promise<void> {
    throwIfAborted(signal);
    if (this.#over !== undefined) throw this.#lostError();
    const lines = this.#framer.encode(Uint8Array.from(frame));
    const pieces = this.#pace.mayHurry(lines.length, facts) ? [Buffer.concat(lines)] : lines;
    const either = AbortSignal.any([signal, this.#ended.signal]);
    const sent = this.#turn.then(() => this.#write(pieces, either));
    this.#turn = sent.catch(() => undefined);
    try {
      await raceAbort(either, sent);
    } catch (error) {
      throwIfAborted(signal);
      throw this.#over === undefined ? error : this.#lostError();
    }
  }

  close(): Promise<void> {
    if (this.#over === undefined) this.#end("is closed");
    this.frames.end();
    this.#closing ??= this.#stream?.close() ?? Promise.resolve();
    return this.#closing;
  }

  data(bytes: Uint8Array): void {
    if (this.#over !== undefined) return;
    for (const frame of this.#framer.decode(bytes)) {
      this.#pace.answered();
      this.frames.push(frame);
    }
  }

  lost(cause: unknown): void {
    if (this.#over !== undefined) return;
    this.#end(`was lost: ${messageOf(cause)}`);
    this.frames.fail(this.#lostError(cause));
  }

  /** An aborted frame ends at the end of a line, where the next one may begin. */
  async #write(pieces: readonly Uint8Array[], signal: AbortSignal): Promise<void> {
    for (const [index, piece] of pieces.entries()) {
      if (index > 0) await sleep(this.#lineDelayMs, signal);
      throwIfAborted(signal);
      const preamble = this.#hasSent ? [] : [this.#framer.preamble];
      this.#hasSent = true;
      try {
        await this.#stream!.write(Buffer.concat([...preamble, piece]));
      } catch (cause) {
        this.lost(cause);
        throw cause;
      }
    }
  }

  #end(over: string): void {
    this.#over = over;
    this.#ended.abort(this.#lostError());
  }

  #lostError(cause?: unknown): SmpError {
    return new SmpError("SMP_LINK_LOST", `${this.label} ${this.#over}`, cause === undefined ? {} : { cause });
  }
}
