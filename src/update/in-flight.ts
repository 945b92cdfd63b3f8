/** Chunks that were sent and not answered yet, in the order of sending. */
import { setMaxListeners } from "node:events";
import { raceAbort } from "../clock";
import { SmpError } from "../errors";
import type { SentChunk } from "./offsets";

/** What became of a chunk: answered with the device's offset, or an error. */
export type Settled =
  | { readonly chunk: SentChunk; readonly offBytes: number; readonly match: boolean | undefined }
  | { readonly chunk: SentChunk; readonly error: unknown };

type Send = (signal: AbortSignal) => Promise<{ off: number; match?: boolean }>;

export class InFlight {
  /** Keeps what is not sent yet from being sent. */
  readonly #abandon = new AbortController();
  #waiting: SentChunk[] = [];
  #settled: Settled[] = [];
  #wake: () => void = () => {};

  constructor() {
    // Each chunk of the window listens, not for long.
    setMaxListeners(0, this.#abandon.signal);
  }

  get size(): number {
    return this.#waiting.length;
  }

  add(chunk: SentChunk, send: Send): void {
    this.#waiting.push(chunk);
    send(this.#abandon.signal).then(
      ({ off, match }) => this.#settle({ chunk, offBytes: off, match }),
      (error: unknown) => this.#settle({ chunk, error }),
    );
  }

  /** The next chunk to be answered or to fail. @throws the signal's reason */
  async next(signal: AbortSignal | undefined): Promise<Settled> {
    if (this.#settled.length === 0) {
      const any = new Promise<void>((resolve) => (this.#wake = resolve));
      await (signal ? raceAbort(signal, any) : any);
    }
    const settled = this.#settled.shift()!;
    this.#waiting = this.#waiting.filter((chunk) => chunk !== settled.chunk);
    return settled;
  }

  /**
   * Stops waiting for what was sent before `chunk`. The server works in order: when a later chunk is answered, the
   * earlier ones, or their answers, are lost.
   */
  abandonBefore(chunk: SentChunk): void {
    if (this.#waiting.length === 0 || this.#waiting[0]!.offBytes >= chunk.offBytes) return;
    this.#waiting = this.#waiting.filter((other) => other.offBytes >= chunk.offBytes);
    this.#settled = this.#settled.filter((other) => other.chunk.offBytes >= chunk.offBytes);
  }

  abandonAll(): void {
    this.#waiting = [];
    this.#settled = [];
    this.#abandon.abort(new SmpError("SMP_ABORTED", "the chunk is not waited for any more"));
  }

  #settle(settled: Settled): void {
    if (!this.#waiting.includes(settled.chunk)) return;
    this.#settled.push(settled);
    this.#wake();
  }
}
