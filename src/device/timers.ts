import { after } from "../clock";

/** The timers of one device, so that all of them end with it. */
export class Timers {
  readonly #pending = new Set<() => void>();

  /** Runs `work` after `ms`; a background timer does not keep the process alive. */
  run(ms: number, work: () => void, options: { background?: boolean } = {}): void {
    const cancel = after(
      ms,
      () => {
        this.#pending.delete(cancel);
        work();
      },
      options,
    );
    this.#pending.add(cancel);
  }

  stop(): void {
    for (const cancel of this.#pending) cancel();
    this.#pending.clear();
  }
}
