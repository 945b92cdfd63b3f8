import { after, nowMs } from "../clock";

const BEAT_MS = 1_000;
/** Shorter ones are nothing unusual on a busy machine, and no device is reset meanwhile. */
const STALL_MS = 10_000;
/** What lay in sockets is read by then. */
const SUSPECT_MS = 3_000;

/**
 * Notices that this process stood still: its host was suspended, or it was stopped. What is read right after may have lain
 * in a socket all the while, and neither a broker nor an expiry tells how old it is.
 */
export class StallWatch {
  /** On the wall clock, which goes on while a host is suspended. */
  #lookedAt = Date.now();
  #stalledMs = 0;
  #suspectUntilMs = -Infinity;
  #cancel: () => void = () => {};

  constructor() {
    this.#beat();
  }

  /** For how long it stood still, if that was a moment ago. */
  get recentMs(): number | undefined {
    this.#look();
    return nowMs() < this.#suspectUntilMs ? this.#stalledMs : undefined;
  }

  close(): void {
    this.#cancel();
  }

  #beat(): void {
    this.#look();
    this.#cancel = after(BEAT_MS, () => this.#beat(), { background: true });
  }

  #look(): void {
    const sinceMs = Date.now() - this.#lookedAt;
    this.#lookedAt += sinceMs;
    if (sinceMs < STALL_MS) return;
    this.#stalledMs = sinceMs;
    this.#suspectUntilMs = nowMs() + SUSPECT_MS;
  }
}
