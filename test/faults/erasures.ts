/** Notices when a client makes the device begin an upload anew whose bytes it still has. */

const BEGINS = /^upload of \d+ bytes into/;

export class Erasures {
  readonly needless: string[] = [];
  #file = "";
  #heldBytes = 0;

  /** What the device tells of itself: which upload it begins, and what makes it forget that. */
  heard(line: string): void {
    if (BEGINS.test(line) && line === this.#file && this.#heldBytes > 0) {
      this.needless.push(`the ${line} began anew, and the device had ${this.#heldBytes} of it`);
    }
    this.#file = BEGINS.test(line) ? line : "";
    this.#heldBytes = 0;
  }

  /** The device has answered a chunk. */
  answered(offBytes: unknown): void {
    if (typeof offBytes === "number") this.#heldBytes = offBytes;
  }
}
