import { SmpError } from "../errors";

const COUNT = 256;
/** The server does not look at them (protocol: they are never checked), so late answers must find no new owner. */
const REMEMBERED = 32;

/**
 * Sequence numbers: 0..255 in a circle, from a random start so that answers to another process do not fit; one circle for
 * all sessions of a device, so that late answers to an earlier one do not either. A number without an answer is set aside
 * until 32 others have gone the same way.
 */
export class SequenceNumbers {
  readonly #busy = new Set<number>();
  readonly #unanswered = new Set<number>();
  #next = Math.floor(Math.random() * COUNT);

  /** @throws SMP_INTERNAL when all are under way */
  take(): number {
    for (let steps = 0; steps < COUNT; steps++) {
      const seq = this.#next;
      this.#next = (seq + 1) % COUNT;
      if (this.#busy.has(seq) || this.#unanswered.has(seq)) continue;
      this.#busy.add(seq);
      return seq;
    }
    throw new SmpError("SMP_INTERNAL", `all ${COUNT} sequence numbers are under way`);
  }

  /** The number's request is over; `answered`: nothing more is expected to bear it. */
  release(seq: number, answered: boolean): void {
    this.#busy.delete(seq);
    if (answered) return;
    this.#unanswered.add(seq);
    const [oldest] = this.#unanswered;
    if (this.#unanswered.size > REMEMBERED) this.#unanswered.delete(oldest!);
  }
}
