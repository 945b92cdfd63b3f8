import { nowMs } from "../clock";
import { SmpError } from "../errors";
import { HEADER_BYTES } from "../framing/frame-length";
import { MessageFrames } from "../framing/message-frames";
import { OP } from "../smp/header";

/** Brokers deliver what belongs together within moments; a steering side has sent its request again by then. */
const STALE_MS = 60_000;

/** Whole requests out of messages that carry pieces of them, or several at once. */
export class Pieces {
  readonly #requests = new MessageFrames({ ops: [OP.READ, OP.WRITE], staleMs: STALE_MS });

  /**
   * @param key pieces of one request have the same
   * @returns the requests that are whole now
   * @throws SMP_BAD_FRAME when the bytes are no request nor a part of one
   */
  take(key: string, bytes: Uint8Array): readonly Uint8Array[] {
    const { frames, garbage } = this.#requests.take(key, bytes, nowMs());
    if (!garbage) return frames;
    const begin = Buffer.from(garbage.subarray(0, HEADER_BYTES)).toString("hex");
    const said = `the payload has ${garbage.length} bytes that begin no SMP request: ${begin}`;
    throw new SmpError("SMP_BAD_FRAME", said, { frameLength: garbage.length, field: "payload" });
  }
}
