/** The turns in which messages leave: not faster than the far end bears, and each after the one before was acknowledged. */
import { abortReason, after, nowMs } from "../../clock";
import type { FlowSettings } from "./settings";

interface Waiting {
  readonly who: object;
  readonly begin: () => void;
  readonly fail: (reason: unknown) => void;
}

export class Feed {
  readonly #settings: FlowSettings;
  readonly #onUnacknowledged: () => void;
  #waiting: Waiting[] = [];
  #nextAtMs = -Infinity;
  /** The id that has left and is to be acknowledged, and until when that is waited for. */
  #open: { readonly id: string; readonly untilMs: number } | undefined;
  #cancelTimer: () => void = () => {};

  /** @param onUnacknowledged called when a message was not acknowledged in time, so that the next may leave */
  constructor(settings: FlowSettings, onUnacknowledged: () => void) {
    this.#settings = settings;
    this.#onUnacknowledged = onUnacknowledged;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /**
   * Resolves when the next message may leave; it must leave at once.
   * @param who for {@link leave}
   * @param id of the message
   * @throws the signal's reason, or what `leave` was given
   */
  enter(who: object, id: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.#waiting = this.#waiting.filter((other) => other !== entry);
        entry.fail(abortReason(signal));
        this.#pump();
      };
      const entry: Waiting = {
        who,
        begin: () => {
          signal.removeEventListener("abort", onAbort);
          this.#left(id);
          resolve();
        },
        fail: (reason) => {
          signal.removeEventListener("abort", onAbort);
          // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- reasons are errors, see abortReason
          reject(reason);
        },
      };
      signal.addEventListener("abort", onAbort, { once: true });
      this.#waiting.push(entry);
      this.#pump();
    });
  }

  /** The message with this id, or the last one, needs no acknowledgement any more. */
  settled(id: string | undefined): boolean {
    if (!this.#open || (id !== undefined && id !== this.#open.id)) return false;
    this.#open = undefined;
    this.#pump();
    return true;
  }

  /** Fails who waits on behalf of `who`. */
  leave(who: object, reason: Error): void {
    const leaving = this.#waiting.filter((entry) => entry.who === who);
    this.#waiting = this.#waiting.filter((entry) => entry.who !== who);
    for (const entry of leaving) entry.fail(reason);
    this.#pump();
  }

  #left(id: string): void {
    const { messagesPerSecond, waitForAck, maxRoundTripMs } = this.#settings;
    const atMs = nowMs();
    if (messagesPerSecond !== undefined) this.#nextAtMs = Math.max(this.#nextAtMs, atMs) + 1000 / messagesPerSecond;
    if (waitForAck) this.#open = { id, untilMs: atMs + maxRoundTripMs };
  }

  #pump(): void {
    this.#cancelTimer();
    while (this.#waiting.length > 0) {
      const waitMs = this.#waitMs();
      if (waitMs > 0) {
        this.#cancelTimer = after(Math.ceil(waitMs), () => this.#pump());
        return;
      }
      this.#waiting.shift()!.begin();
    }
  }

  #waitMs(): number {
    const atMs = nowMs();
    if (!this.#open) return this.#nextAtMs - atMs;
    if (this.#open.untilMs > atMs) return this.#open.untilMs - atMs;
    this.#open = undefined;
    this.#onUnacknowledged();
    return this.#nextAtMs - atMs;
  }
}
