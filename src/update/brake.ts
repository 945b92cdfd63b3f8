import { raceAbort, throwIfAborted } from "../clock";
import { SmpError } from "../errors";

/** Pauses work that looks at it, and lets it go on. */
export class Brake {
  #pulled:
    | { readonly controller: AbortController; readonly released: Promise<void>; readonly release: () => void }
    | undefined;

  readonly #listeners = new Set<() => void>();

  get isOn(): boolean {
    return this.#pulled !== undefined;
  }

  pause(): void {
    if (this.#pulled) return;
    let release = nothing;
    const released = new Promise<void>((resolve) => (release = resolve));
    this.#pulled = { controller: new AbortController(), released, release };
    for (const listener of this.#listeners) listener();
  }

  resume(): void {
    this.#pulled?.release();
    this.#pulled = undefined;
  }

  /** @throws the signal's reason, if that aborts while it is on */
  async released(signal: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    while (this.#pulled) await raceAbort(signal, this.#pulled.released);
  }

  /**
   * Runs `work`, stops it whenever the brake is pulled, and runs it again when that is released.
   * @param work goes on where it stopped
   */
  async interrupt<T>(signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>, onPause: () => void): Promise<T> {
    for (;;) {
      if (this.isOn) onPause();
      await this.released(signal);
      const inner = new AbortController();
      const stop = (): void => inner.abort(signal.aborted ? signal.reason : paused());
      signal.addEventListener("abort", stop, { once: true });
      this.#listeners.add(stop);
      try {
        return await work(inner.signal);
      } catch (error) {
        if (signal.aborted || !inner.signal.aborted) throw error;
      } finally {
        signal.removeEventListener("abort", stop);
        this.#listeners.delete(stop);
      }
    }
  }
}

function nothing(): void {}

function paused(): SmpError {
  return new SmpError("SMP_ABORTED", "the work was paused");
}
