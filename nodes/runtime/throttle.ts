import { after, nowMs } from "../../src/index";

/** Lets values through at most once per interval: the first at once, of those that come too early the latest. */
export class Throttle<T> {
  readonly #intervalMs: number;
  readonly #emit: (value: T) => void;
  #held: { value: T; cancel: () => void } | undefined;
  #emittedAtMs = -Infinity;

  constructor(intervalMs: number, emit: (value: T) => void) {
    this.#intervalMs = intervalMs;
    this.#emit = emit;
  }

  push(value: T): void {
    const waitMs = this.#emittedAtMs + this.#intervalMs - nowMs();
    if (waitMs <= 0) this.now(value);
    else if (this.#held) this.#held.value = value;
    else this.#held = { value, cancel: after(waitMs, () => this.#release(), { background: true }) };
  }

  /** Past the limit, in place of what is held: for the last of a series. */
  now(value: T): void {
    this.stop();
    this.#emittedAtMs = nowMs();
    this.#emit(value);
  }

  /** Forgets what is held. */
  stop(): void {
    this.#held?.cancel();
    this.#held = undefined;
  }

  #release(): void {
    if (this.#held) this.now(this.#held.value);
  }
}
