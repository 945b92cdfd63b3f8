/** How long and how often a request from afar is tried on the device's own link. */
import { TIMEOUT_MS, type Command } from "../smp/command";
import { image } from "../smp/commands";
import { HEADER_BYTES } from "../smp/header";
import { decodeBody, type CborMap } from "../smp/message";

export interface Patience {
  readonly timeoutMs: number;
  readonly attempts: number;
}

/** Whoever sent it from afar may try again too, and knows better when to give up. */
const ATTEMPTS = 2;

/** Knows how far the uploads to a device are, as the first and the last chunk may take long. */
export class Patiences {
  /** Of the file that is being uploaded. */
  #lenBytes = 0;

  of(row: Command, frame: Uint8Array): Patience {
    if (row === image.upload) return this.#ofUpload(frame);
    return { timeoutMs: row.timeoutMs, attempts: ATTEMPTS };
  }

  #ofUpload(frame: Uint8Array): Patience {
    const { off, len, data } = bodyOf(frame);
    if (off === 0) {
      this.#lenBytes = typeof len === "number" ? len : 0;
      return { timeoutMs: TIMEOUT_MS.FIRST_CHUNK, attempts: 1 };
    }
    const endBytes = typeof off === "number" && data instanceof Uint8Array ? off + data.length : Infinity;
    // The answer to the last chunk is the one that a server does not repeat.
    if (endBytes >= this.#lenBytes) return { timeoutMs: TIMEOUT_MS.LAST_CHUNK, attempts: 1 };
    return { timeoutMs: TIMEOUT_MS.QUICK, attempts: ATTEMPTS };
  }
}

/** What is no CBOR is for the device to refuse. */
function bodyOf(frame: Uint8Array): CborMap {
  try {
    return decodeBody(frame.subarray(HEADER_BYTES));
  } catch {
    return {};
  }
}
