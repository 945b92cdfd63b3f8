import { SmpError } from "../errors";
import { formatMs } from "../clock";
import { obtain } from "./obtain";
import { TurnQueue } from "./turn-queue";

/** Something that has a place but would give it up. */
export interface Idle {
  /** Resolves when the place is given back. */
  closeIdle(): Promise<void>;
}

/** The places for open sessions of one pool. Who needs one when all are taken displaces the longest idle, or waits. */
export class Room {
  readonly #places: number;
  readonly #waitMs: number;
  readonly #turns: TurnQueue<string>;
  /** Longest idle first. */
  readonly #idle = new Set<Idle>();
  #leaving = 0;

  constructor(places: number, waitMs: number) {
    this.#places = places;
    this.#waitMs = waitMs;
    this.#turns = new TurnQueue(places, () => this.#makeRoom());
  }

  /**
   * Takes a place for `key`; the returned function gives it back.
   * @throws SMP_POOL_FULL when none gets free in time, or the signal's reason
   */
  take(key: string, signal: AbortSignal): Promise<() => void> {
    return obtain(
      {
        what: `room for a session with ${key}`,
        withinMs: this.#waitMs,
        begin: (inner) => this.#turns.enter(key, inner),
        giveBack: (release) => release(),
        tooLate: (cause) => this.#full(key, cause),
      },
      signal,
    );
  }

  offer(idle: Idle): void {
    this.#idle.add(idle);
    this.#makeRoom();
  }

  withdraw(idle: Idle): void {
    this.#idle.delete(idle);
  }

  #makeRoom(): void {
    for (const idle of this.#idle) {
      if (this.#turns.waiting.length <= this.#leaving) return;
      this.#idle.delete(idle);
      this.#leaving++;
      void idle.closeIdle().finally(() => {
        this.#leaving--;
        this.#makeRoom();
      });
    }
  }

  #full(key: string, cause: unknown): SmpError {
    const holders = this.#turns.running.join(", ");
    return new SmpError(
      "SMP_POOL_FULL",
      `no room for a session with ${key}: the ${this.#places} that the pool may have open were in use for ${formatMs(this.#waitMs)} (${holders})`,
      { device: key, limit: this.#places, timeoutMs: this.#waitMs, cause },
    );
  }
}
