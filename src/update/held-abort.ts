import { abortReason } from "../clock";
import { hasCode } from "../errors";

/** Passes an abort on, but holds one that a person asked for back while it would only leave the device in doubt. */
export class HeldAbort {
  readonly #inner = new AbortController();
  readonly #outer: AbortSignal | undefined;
  #isHeld = false;

  constructor(outer: AbortSignal | undefined) {
    this.#outer = outer;
    if (outer?.aborted) this.#pass();
    outer?.addEventListener("abort", this.#pass);
  }

  get signal(): AbortSignal {
    return this.#inner.signal;
  }

  hold(): void {
    this.#isHeld = true;
  }

  release(): void {
    this.#isHeld = false;
    if (this.#outer?.aborted) this.#pass();
  }

  /** No listener is left behind. */
  end(): void {
    this.#outer?.removeEventListener("abort", this.#pass);
  }

  readonly #pass = (): void => {
    const reason = abortReason(this.#outer!);
    if (this.#isHeld && hasCode(reason, "SMP_ABORTED")) return;
    this.#inner.abort(reason);
  };
}
