import { SmpError } from "../errors";

/** Far more than any window of requests has answers; a peer that floods us loses its oldest frames, not our memory. */
const BACKLOG_FRAMES = 256;

/**
 * What a link offers as `frames`: pushed by the medium, pulled by one consumer. Frames that came before the end are
 * still delivered.
 */
export class FrameQueue implements AsyncIterable<Uint8Array> {
  readonly #limitFrames: number;
  #backlog: Uint8Array[] = [];
  #dropped = 0;
  #consumed = false;
  #over: { readonly error?: unknown } | undefined;
  #wake: () => void = () => {};

  /** @param limitFrames unread frames that are kept; beyond them the oldest is dropped */
  constructor(limitFrames: number = BACKLOG_FRAMES) {
    this.#limitFrames = limitFrames;
  }

  /** Frames that were dropped because nobody read them in time. */
  get dropped(): number {
    return this.#dropped;
  }

  push(frame: Uint8Array): void {
    if (this.#over) return;
    if (this.#backlog.length >= this.#limitFrames) {
      this.#backlog.shift();
      this.#dropped++;
    }
    this.#backlog.push(frame);
    this.#wake();
  }

  /** Ends the iteration; what comes after the first `end` or `fail` is ignored. */
  end(): void {
    this.#finish({});
  }

  /** Makes the iteration throw `error`, once. */
  fail(error: unknown): void {
    this.#finish({ error });
  }

  /** @throws SMP_INTERNAL for a second consumer, which would steal frames from the first */
  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    if (this.#consumed) throw new SmpError("SMP_INTERNAL", "the frames of a link have one consumer, this is a second");
    this.#consumed = true;
    return this.#read();
  }

  async *#read(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        const frame = this.#backlog.shift();
        if (frame) yield frame;
        else if (!this.#over) await new Promise<void>((resolve) => (this.#wake = resolve));
        else if ("error" in this.#over) throw this.#over.error;
        else return;
      }
    } finally {
      this.#finish({});
      this.#backlog = [];
    }
  }

  #finish(over: { readonly error?: unknown }): void {
    this.#over ??= over;
    this.#wake();
  }
}
