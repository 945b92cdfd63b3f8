import { AnswerTimes } from "./answer-times";
import { SequenceNumbers } from "./sequence";

/** Raw requests may have any name; there are far fewer commands. */
const MAX_KINDS = 64;

/**
 * What is known about a device from its sessions so far, for the next one: measured times, and what an upload and a reset
 * found out. The pool keeps it as long as it remembers the device.
 */
export class Learnt {
  /** Of all its sessions, so that late answers to an earlier one find no request with their number. */
  readonly sequence = new SequenceNumbers();
  readonly #times = new Map<string, AnswerTimes>();
  /** Set once frames of an upload failed for their size, or so it seemed: the largest to send, and what never to try again. */
  frames: { readonly limitBytes: number; readonly neverAboveBytes: number } | undefined;
  /** The largest frame that a slow way to the device was found to carry, and the largest that was tried. */
  way: { readonly carriesBytes: number; readonly triedBytes: number } | undefined;
  /** Chunks under way at once, when the last upload had to go below what the device's buffers allow. */
  window: number | undefined;
  /** From a reset to the first answer: where the bootloader swapped images, and where it did not. */
  swapMs: number | undefined;
  bootMs: number | undefined;

  /** The times of one kind of request: a command's name, or a name for what it makes the device do. */
  times(kind: string): AnswerTimes {
    const known = this.#times.get(kind);
    if (known) return known;
    const [oldest] = this.#times.keys();
    if (this.#times.size >= MAX_KINDS) this.#times.delete(oldest!);
    const times = new AnswerTimes();
    this.#times.set(kind, times);
    return times;
  }

  beginSession(): void {
    for (const times of this.#times.values()) times.beginSession();
  }
}
