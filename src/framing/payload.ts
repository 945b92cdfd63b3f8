/** The forms in which a message's payload carries frames: bare bytes, text, or an envelope. */
import { SmpError } from "../errors";
import { frameEnvelope, parseEnvelope, readEnvelope, type Envelope, type FrameEnvelope } from "./envelope";
import { base64Bytes, bytesFromJson, hexBytes } from "./text-bytes";

/** "envelope" is an object; Node-RED's JSON node, or whatever sends it, makes text of it. */
export const PAYLOAD_FORMS = ["buffer", "base64", "hex", "envelope"] as const;
/** One of {@link PAYLOAD_FORMS}. */
export type PayloadForm = (typeof PAYLOAD_FORMS)[number];

/** A frame with where it goes. */
export interface AddressedFrame {
  readonly device: string;
  readonly id?: string;
  readonly frame: Uint8Array;
}

/** A frame in one of the forms. @returns an object for "envelope", a Buffer for "buffer", else text */
export function encodePayload(
  form: PayloadForm,
  { device, id, frame }: AddressedFrame,
): Buffer | string | FrameEnvelope {
  const bytes = Buffer.from(frame);
  if (form === "envelope") return frameEnvelope(device, id, bytes);
  return form === "buffer" ? bytes : bytes.toString(form);
}

/** The largest frame for which {@link encodePayload} makes at most `messageBytes`, of an envelope as JSON; may be negative. */
export function frameRoom(form: PayloadForm, messageBytes: number, address: { device: string; id: string }): number {
  if (form === "buffer") return messageBytes;
  if (form === "hex") return Math.floor(messageBytes / 2);
  const around = frameEnvelope(address.device, address.id, new Uint8Array());
  const roomBytes = form === "base64" ? messageBytes : messageBytes - Buffer.byteLength(JSON.stringify(around));
  return Math.floor(roomBytes / 4) * 3;
}

/**
 * Bare bytes decode to `{ kind: "frames" }` without device and id.
 * @param form "auto" tells the forms apart: an object or a text or Buffer with a JSON object is an envelope, another
 * Buffer is bytes, a text of hex digits alone is hex, any other base64
 * @throws SMP_BAD_FRAME saying what the payload is instead
 */
export function decodePayload(payload: unknown, form: PayloadForm | "auto" = "auto"): Envelope {
  const given = bytesFromJson(payload) ?? payload;
  if (form === "envelope") return envelopeOf(given);
  if (form === "auto" && looksLikeEnvelope(given)) return envelopeOf(given);
  const bytes = bytesOf(given, form);
  if (!bytes) throw bad(form, given);
  if (bytes.length === 0) throw new SmpError("SMP_BAD_FRAME", "the payload is empty", { field: "payload" });
  return { kind: "frames", frames: [bytes] };
}

/** A piece of a frame may begin with a brace too, so that bytes must be JSON from end to end. */
function looksLikeEnvelope(given: unknown): boolean {
  if (given instanceof Uint8Array) return isJsonObject(textOf(given));
  if (typeof given === "string") return given.trimStart().startsWith("{");
  return typeof given === "object" && given !== null && !Array.isArray(given);
}

function isJsonObject(text: string): boolean {
  if (!text.startsWith("{") || !text.endsWith("}")) return false;
  try {
    return JSON.parse(text) !== null;
  } catch {
    return false;
  }
}

function envelopeOf(given: unknown): Envelope {
  if (given instanceof Uint8Array) return parseEnvelope(textOf(given));
  return typeof given === "string" ? parseEnvelope(given) : readEnvelope(given);
}

function bytesOf(given: unknown, form: PayloadForm | "auto"): Uint8Array | undefined {
  if (given instanceof Uint8Array) {
    return form === "base64" || form === "hex" ? bytesOf(textOf(given), form) : Uint8Array.from(given);
  }
  if (typeof given !== "string" || form === "buffer") return undefined;
  if (given.trim() === "") return new Uint8Array();
  if (form === "auto") return hexBytes(given) ?? base64Bytes(given);
  return form === "hex" ? hexBytes(given) : base64Bytes(given);
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("utf8").trim();
}

const EXPECTED: Readonly<Record<PayloadForm | "auto", string>> = {
  auto: "a Buffer, base64, hex or an envelope",
  buffer: "a Buffer",
  base64: "base64 text",
  hex: "text of hex digits",
  envelope: "an envelope",
};

function bad(form: PayloadForm | "auto", given: unknown): SmpError {
  return new SmpError("SMP_BAD_FRAME", `the payload must be ${EXPECTED[form]}, not ${describe(given)}`, {
    field: "payload",
    hint: "Choose the form in which the messages carry frames in the smp-frames-in and smp-frames-out nodes.",
  });
}

function describe(given: unknown): string {
  if (given === undefined || given === null) return "nothing";
  if (typeof given === "string") return `the text "${given.slice(0, 24)}${given.length > 24 ? "…" : ""}"`;
  if (given instanceof Uint8Array) return `a Buffer of ${given.length} bytes`;
  if (Array.isArray(given)) return "a list";
  return typeof given === "object" ? "another object" : `a ${typeof given}`;
}
