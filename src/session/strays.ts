import { messageOf } from "../errors";
import type { SessionCounters } from "./types";

const SHOWN_BYTES = 16;

/** Frames that answered nobody: counted, and remembered until the next answer because they explain a silence. */
export class Strays {
  readonly #counters: SessionCounters;
  #stale = 0;
  #malformed = 0;
  #lastMalformed = "";

  constructor(counters: SessionCounters) {
    this.#counters = counters;
  }

  stale(): void {
    this.#counters.stale++;
    this.#stale++;
  }

  malformed(frame: Uint8Array, fault: unknown): void {
    this.#counters.malformed++;
    this.#malformed++;
    const hex = Buffer.from(frame.subarray(0, SHOWN_BYTES)).toString("hex");
    const more = frame.length > SHOWN_BYTES ? "…" : "";
    this.#lastMalformed = `${frame.length} bytes ${hex}${more}: ${messageOf(fault)}`;
  }

  answered(): void {
    this.#stale = 0;
    this.#malformed = 0;
  }

  /** For the message of a timeout; "" when nothing came. */
  describe(): string {
    const parts = [
      ...(this.#stale > 0 ? [`answers to nobody (late, repeated or foreign): ${this.#stale}`] : []),
      ...(this.#malformed > 0
        ? [`frames that are no SMP message: ${this.#malformed}, the last ${this.#lastMalformed}`]
        : []),
    ];
    return parts.length === 0 ? "" : `; received instead: ${parts.join(", ")}`;
  }
}
