import type { SmpProgressMessage } from "../../src/index";
import type { NodeMessage } from "./red";
import { Throttle } from "./throttle";

/** Three messages a second, so that there are at most four with the last one. */
const PROGRESS_INTERVAL_MS = 350;

/** Where the work stands, in the words of `msg.smp`. */
export type ProgressFacts = Omit<SmpProgressMessage["smp"], "pool" | "device">;

/** Progress messages of one job: fresh small objects, 0 to 100 and never back, with a last one whatever happens. */
export class Progress {
  readonly #base: { topic?: string; _msgid: string };
  readonly #target: { pool: string; device?: string };
  readonly #throttle: Throttle<NodeMessage>;
  #percent = 0;
  #facts: ProgressFacts | undefined;

  constructor(
    base: { topic?: string; _msgid: string },
    target: { pool: string; device?: string },
    send: (message: NodeMessage) => void,
  ) {
    this.#base = base;
    this.#target = target;
    this.#throttle = new Throttle(PROGRESS_INTERVAL_MS, send);
  }

  /** @param percent whole and below 100, which is kept for a complete success */
  report(percent: number, facts: ProgressFacts): number {
    this.#percent = Math.max(this.#percent, Math.min(99, Math.floor(percent)));
    this.#facts = facts;
    this.#throttle.push(this.#message(facts));
    return this.#percent;
  }

  /** @param failure absent after a success, which is told as 100 */
  last(failure?: "failed" | "aborted"): void {
    // Nothing was reported yet: another job may be at work on the device and have the display.
    if (!this.#facts) return;
    if (!failure) this.#percent = 100;
    this.#throttle.now(this.#message(failure ? { ...this.#facts, phase: failure } : this.#facts));
  }

  /** Nothing is sent any more. */
  stop(): void {
    this.#throttle.stop();
  }

  #message(facts: ProgressFacts): SmpProgressMessage & NodeMessage {
    return { ...this.#base, payload: this.#percent, smp: { ...this.#target, ...facts } };
  }
}
