/** Chunks that were sent and not answered yet, in the order of sending. */
import { raceAbort } from "../clock";
import { SmpError } from "../errors";
import type { SentChunk } from "./offsets";

/** What became of a chunk: answered with the device's offset, or an error. */
export type Settled =
  | { readonly chunk: SentChunk; readonly offBytes: number; readonly match: boolean | undefined }
  | { readonly chunk: SentChunk; readonly error: unknown };

interface Entry {
  readonly chunk: SentChunk;
  readonly abandon: AbortController;
  readonly settled: Promise<Settled>;
}

type Send = (signal: AbortSignal) => Promise<{ off: number; match?: boolean }>;

export class InFlight {
  #entries: Entry[] = [];

  get size(): number {
    return this.#entries.length;
  }

  add(chunk: SentChunk, send: Send): void {
    const abandon = new AbortController();
    const settled = send(abandon.signal).then(
      ({ off, match }): Settled => ({ chunk, offBytes: off, match }),
      (error: unknown): Settled => ({ chunk, error }),
    );
    this.#entries.push({ chunk, abandon, settled });
  }

  /** The next chunk to be answered or to fail. @throws the signal's reason */
  async next(signal: AbortSignal | undefined): Promise<Settled> {
    const any = Promise.race(this.#entries.map((entry) => entry.settled));
    const settled = await (signal ? raceAbort(signal, any) : any);
    this.#entries = this.#entries.filter((entry) => entry.chunk !== settled.chunk);
    return settled;
  }

  /**
   * Stops waiting for what was sent before `chunk`. The server works in order: when a later chunk is answered, the
   * earlier ones, or their answers, are lost.
   */
  abandonBefore(chunk: SentChunk): void {
    const before = this.#entries.filter((entry) => entry.chunk.offBytes < chunk.offBytes);
    this.#entries = this.#entries.filter((entry) => !before.includes(entry));
    abandonEntries(before);
  }

  abandonAll(): void {
    const all = this.#entries;
    this.#entries = [];
    abandonEntries(all);
  }
}

function abandonEntries(entries: readonly Entry[]): void {
  for (const entry of entries) {
    entry.abandon.abort(new SmpError("SMP_ABORTED", `the chunk at ${entry.chunk.offBytes} is not waited for any more`));
  }
}
