import { nowMs } from "../clock";

/** A message that a broker doubled may come late; a request of a later session that looks the same comes later still. */
const REMEMBERED_MS = 60_000;
const REMEMBERED = 64;

interface Played {
  readonly answer: Promise<Uint8Array>;
  /** When it may be forgotten; undefined while it is under way. */
  untilMs?: number;
}

/** Answers a repeated request as the first time, without doing the work again. */
export class PlayedOnce {
  /** Requests that were answered from here. */
  repeats = 0;
  readonly #played = new Map<string, Played>();

  /**
   * @param key names the request; two with the same key are the same
   * @param isRemembered whether the answer is kept when it has come; a failure never is
   */
  once(key: string, isRemembered: boolean, work: () => Promise<Uint8Array>): Promise<Uint8Array> {
    this.#forget();
    const known = this.#played.get(key);
    if (known) {
      this.repeats++;
      return known.answer;
    }
    const played: Played = { answer: work() };
    this.#played.set(key, played);
    const forget = (): void => void this.#played.delete(key);
    played.answer.then(() => (isRemembered ? (played.untilMs = nowMs() + REMEMBERED_MS) : forget()), forget);
    return played.answer;
  }

  /** How many are under way. */
  get underWay(): number {
    return [...this.#played.values()].filter(({ untilMs }) => untilMs === undefined).length;
  }

  #forget(): void {
    const done = [...this.#played].filter(([, { untilMs }]) => untilMs !== undefined);
    for (const [index, [key, { untilMs }]] of done.entries()) {
      if (untilMs! < nowMs() || index < done.length - REMEMBERED) this.#played.delete(key);
    }
  }
}
