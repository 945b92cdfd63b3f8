import { messageOf } from "../errors";
import type { TraceRecord, TraceSink } from "./record";

interface Listener {
  readonly sink: TraceSink;
  /** One warning is enough. */
  hasFailed: boolean;
}

/** Where all sessions of a pool lead their frames; nothing is described while nobody listens. */
export class TraceTap {
  readonly #sinks = new Set<Listener>();
  #records = 0;

  get isOn(): boolean {
    return this.#sinks.size > 0;
  }

  /** @returns ends it */
  add(sink: TraceSink): () => void {
    const entry = { sink, hasFailed: false };
    this.#sinks.add(entry);
    return () => void this.#sinks.delete(entry);
  }

  /** @returns the record's number */
  tell(describe: (n: number, frames: TraceSink["frames"]) => TraceRecord): number {
    const n = ++this.#records;
    const made: Partial<Record<TraceSink["frames"], TraceRecord>> = {};
    for (const listener of this.#sinks) {
      hand(listener, (made[listener.sink.frames] ??= describe(n, listener.sink.frames)));
    }
    return n;
  }
}

function hand(listener: Listener, record: TraceRecord): void {
  try {
    listener.sink.take(record);
  } catch (fault) {
    if (listener.hasFailed) return;
    listener.hasFailed = true;
    process.emitWarning(`a listener of the trace failed: ${messageOf(fault)}`, { type: "SmpListenerWarning" });
  }
}
