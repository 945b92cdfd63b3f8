/** What goes back to the steering side, in the form in which it asked. */
import { frameEnvelope } from "../framing/envelope";
import { encodePayload, type PayloadForm } from "../framing/payload";

/** Whom an answer is for, and in which form. */
export interface ReplyTo {
  readonly form: PayloadForm;
  readonly device: string;
  readonly id?: string | undefined;
}

/** @param maxBytes the largest payload; a longer answer comes in pieces, in order */
export function replyPayloads({ form, device, id }: ReplyTo, frame: Uint8Array, maxBytes = Infinity): unknown[] {
  const to = { device, ...(id !== undefined && { id }) };
  return pieces(frame, roomBytes({ form, device, id }, maxBytes)).map((piece) =>
    encodePayload(form, { ...to, frame: piece }),
  );
}

/** Bytes of a frame that fit a payload; at least 1, or nothing would ever arrive. */
function roomBytes({ form, device, id }: ReplyTo, maxBytes: number): number {
  if (form === "buffer" || maxBytes === Infinity) return maxBytes;
  if (form === "hex") return Math.max(1, Math.floor(maxBytes / 2));
  const aroundBytes =
    form === "envelope" ? Buffer.byteLength(JSON.stringify(frameEnvelope(device, id, new Uint8Array()))) : 0;
  return Math.max(1, Math.floor((maxBytes - aroundBytes) / 4) * 3);
}

function pieces(frame: Uint8Array, atMostBytes: number): Uint8Array[] {
  const cuts: Uint8Array[] = [];
  for (let offBytes = 0; offBytes < frame.length; offBytes += atMostBytes) {
    cuts.push(frame.subarray(offBytes, offBytes + atMostBytes));
  }
  return cuts;
}
