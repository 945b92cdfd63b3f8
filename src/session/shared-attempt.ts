import { abortReason, raceAbort } from "../clock";
import { SmpError } from "../errors";

interface Attempt<T> {
  readonly controller: AbortController;
  readonly result: Promise<T>;
  users: number;
}

/**
 * One attempt shared by all who ask while it is under way. Who aborts leaves it; when the last has left, it is aborted
 * itself. The next begins afresh, after the one before has settled.
 */
export class SharedAttempt<T> {
  readonly #work: (signal: AbortSignal) => Promise<T>;
  readonly #onChange: () => void;
  #current: Attempt<T> | undefined;
  #settled: Promise<unknown> = Promise.resolve();

  /** @param onChange called when an attempt has begun, and when it is over */
  constructor(work: (signal: AbortSignal) => Promise<T>, onChange: () => void) {
    this.#work = work;
    this.#onChange = onChange;
  }

  get running(): boolean {
    return this.#current !== undefined;
  }

  /** @throws what the attempt throws, or the signal's reason */
  async join(signal: AbortSignal | undefined): Promise<T> {
    const attempt = this.#current ?? this.#begin();
    attempt.users++;
    try {
      return await (signal ? raceAbort(signal, attempt.result) : attempt.result);
    } finally {
      attempt.users--;
      if (attempt.users === 0 && this.#current === attempt) this.abort(abortedByAll(signal));
    }
  }

  /** Resolves when the attempt that was begun last has settled. */
  get settled(): Promise<unknown> {
    return this.#settled;
  }

  /** Ends the attempt under way, if any. */
  abort(reason: unknown): void {
    this.#current?.controller.abort(reason);
    this.#over();
  }

  #begin(): Attempt<T> {
    const controller = new AbortController();
    const result = this.#settled.then(() => this.#work(controller.signal));
    const attempt = { controller, result, users: 0 };
    this.#current = attempt;
    this.#settled = result.then(
      () => this.#over(attempt),
      () => this.#over(attempt),
    );
    this.#onChange();
    return attempt;
  }

  #over(attempt = this.#current): void {
    if (!attempt || this.#current !== attempt) return;
    this.#current = undefined;
    this.#onChange();
  }
}

function abortedByAll(signal: AbortSignal | undefined): unknown {
  return signal?.aborted ? abortReason(signal) : new SmpError("SMP_ABORTED", "nobody waits for the attempt any more");
}
