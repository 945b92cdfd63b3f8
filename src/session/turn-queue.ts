import { abortReason, throwIfAborted } from "../clock";

interface Ticket<T> {
  readonly who: T;
  readonly begin: () => void;
  readonly fail: (reason: unknown) => void;
}

/** A limited number of places, first come first served. */
export class TurnQueue<T> {
  readonly #places: number;
  readonly #onChange: () => void;
  readonly #running = new Set<Ticket<T>>();
  #waiting: Ticket<T>[] = [];

  /** @param onChange called after each change of who runs or waits */
  constructor(places: number, onChange: () => void = () => {}) {
    this.#places = places;
    this.#onChange = onChange;
  }

  get running(): readonly T[] {
    return Array.from(this.#running, (ticket) => ticket.who);
  }

  /** First come first. */
  get waiting(): readonly T[] {
    return this.#waiting.map((ticket) => ticket.who);
  }

  /**
   * Resolves when there is a place, with the function that gives it back (once; more calls do nothing).
   * @throws the signal's reason when it aborts in the queue, or what `failWaiting` gives
   */
  enter(who: T, signal?: AbortSignal): Promise<() => void> {
    return new Promise((resolve, reject) => {
      throwIfAborted(signal);
      const onAbort = (): void => {
        this.#waiting = this.#waiting.filter((other) => other !== ticket);
        ticket.fail(abortReason(signal!));
        this.#onChange();
      };
      const settled = (): void => signal?.removeEventListener("abort", onAbort);
      const ticket: Ticket<T> = {
        who,
        begin: () => {
          settled();
          resolve(() => this.#leave(ticket));
        },
        fail: (reason) => {
          settled();
          // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- reasons are errors, see abortReason
          reject(reason);
        },
      };
      this.#waiting.push(ticket);
      this.#admit();
      if (!this.#running.has(ticket)) signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  /** Rejects all that wait; who has a place keeps it. */
  failWaiting(reason: () => Error): void {
    const failed = this.#waiting;
    this.#waiting = [];
    for (const ticket of failed) ticket.fail(reason());
    this.#onChange();
  }

  #leave(ticket: Ticket<T>): void {
    if (this.#running.delete(ticket)) this.#admit();
  }

  #admit(): void {
    while (this.#running.size < this.#places && this.#waiting.length > 0) {
      const ticket = this.#waiting.shift()!;
      this.#running.add(ticket);
      ticket.begin();
    }
    this.#onChange();
  }
}
