/**
 * Whether a device takes the lines of a frame without pauses. Zephyr has two line buffers by default, and loses a frame whose lines
 * come faster than it reads them; others take whatever comes, up to ten times as fast. No device tells, so it is tried, and with nothing but
 * chunks of an image whose answer is not waited for long: a lost one costs that moment and is sent again.
 */
import type { FrameFacts } from "../transport";

/** Lines that every device can hold (Zephyr: CONFIG_UART_MCUMGR_RX_BUF_COUNT). */
const LINE_BUFFERS = 2;
/** A longer wait is too much to lose: the first chunk's is for the erasure of a slot. */
const MAX_LOSS_MS = 1_000;
/** Long frames with pauses that are answered before one goes without. */
const FIRST_CALM_FRAMES = 4;
/** So many more of them after each loss. */
const CAUTION = 16;

export class LinePace {
  #calmFrames = FIRST_CALM_FRAMES;
  #answeredFrames = 0;
  /** The frame whose answer is due. */
  #due: "short" | "calm" | "hurried" = "short";

  /** Whether the next frame, of so many lines, goes without pauses. */
  mayHurry(lines: number, facts: FrameFacts | undefined): boolean {
    if (this.#due === "hurried") this.#lost();
    this.#due = "short";
    if (lines <= LINE_BUFFERS) return false;
    const isCheap = facts?.command === "image.upload" && facts.timeoutMs <= MAX_LOSS_MS;
    const hurries = isCheap && this.#answeredFrames >= this.#calmFrames;
    this.#due = hurries ? "hurried" : "calm";
    return hurries;
  }

  /** A frame came. */
  answered(): void {
    if (this.#due === "calm") this.#answeredFrames++;
    this.#due = "short";
  }

  #lost(): void {
    this.#answeredFrames = 0;
    this.#calmFrames *= CAUTION;
  }
}
