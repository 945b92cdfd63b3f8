import { raceAbort } from "../../clock";

/** One at a time, first come first served. */
export class Turns {
  #last: Promise<void> = Promise.resolve();

  /** @returns what passes the turn on. @throws the signal's reason */
  async take(signal: AbortSignal): Promise<() => void> {
    const before = this.#last;
    let resolveTurn: (() => void) | undefined;
    this.#last = new Promise((resolve) => (resolveTurn = resolve));
    const pass = (): void => resolveTurn?.();
    try {
      await raceAbort(signal, before);
    } catch (error) {
      void before.then(pass);
      throw error;
    }
    return pass;
  }
}
