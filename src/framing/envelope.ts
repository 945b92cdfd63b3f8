/**
 * SMP frames as messages, version 1: the JSON that a steering side and a gateway exchange. This file is the one place of it;
 * the README has it as a specification.
 *
 *   frames    {"v":1,"device":"sensor-1","id":"k3f9-17","frame":"<base64>"}   or "frames":["<base64>", …]; request and answer alike
 *   failure   {"v":1,"device":"sensor-1","id":"k3f9-17","error":{"code":"…","message":"device offline","retryable":true}}
 *   ack       {"v":1,"device":"sensor-1","id":"k3f9-17","ack":true}
 *   presence  {"v":1,"gateway":"gw-1","device":"sensor-1","state":"reachable", …}
 *
 * A frame may come in pieces. Members that are not listed are ignored.
 */
import { messageOf, SmpError } from "../errors";
import { base64Bytes } from "./text-bytes";

export const ENVELOPE_VERSION = 1;

/** An SMP frame, or pieces of frames, to or from a device. */
export interface FrameEnvelope {
  readonly v: typeof ENVELOPE_VERSION;
  readonly device: string;
  /** Names the request; the answer bears the same. */
  readonly id?: string;
  /** Base64. */
  readonly frame: string;
}

/** The request, or without `id` all requests to the device, cannot be answered. */
export interface FailureEnvelope {
  readonly v: typeof ENVELOPE_VERSION;
  readonly device: string;
  readonly id?: string;
  readonly error: EnvelopeFailure;
}

/** Why a request has no answer; `code` is one of `ERRORS`, or "" where the sender has none. */
export interface EnvelopeFailure {
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
}

/** The message was handed on; the next one may come. */
export interface AckEnvelope {
  readonly v: typeof ENVELOPE_VERSION;
  readonly device: string;
  readonly id?: string;
  readonly ack: true;
}

/** How a gateway, or a device behind it, is; with facts about it. */
export interface PresenceEnvelope {
  readonly v: typeof ENVELOPE_VERSION;
  readonly gateway: string;
  readonly device?: string;
  /** Of a gateway "online" or "offline"; of a device "reachable", "unreachable", "open" … */
  readonly state: string;
  readonly [fact: string]: unknown;
}

/** What an envelope says, decoded. */
export type Envelope =
  | {
      readonly kind: "frames";
      readonly device?: string;
      readonly id?: string;
      /** Frames or pieces of frames, in order. */
      readonly frames: readonly Uint8Array[];
    }
  | { readonly kind: "failure"; readonly device?: string; readonly id?: string; readonly error: EnvelopeFailure }
  | { readonly kind: "ack"; readonly device?: string; readonly id?: string }
  | { readonly kind: "presence"; readonly presence: PresenceEnvelope };

/** @param id of the request */
export function frameEnvelope(device: string, id: string | undefined, frame: Uint8Array): FrameEnvelope {
  return { ...head(device, id), frame: Buffer.from(frame).toString("base64") };
}

/** @param id of the request; undefined for all requests to the device */
export function failureEnvelope(device: string, id: string | undefined, error: EnvelopeFailure): FailureEnvelope {
  const { code, message, retryable } = error;
  return { ...head(device, id), error: { code, message, retryable } };
}

/** @param id of the message that was handed on */
export function ackEnvelope(device: string, id: string | undefined): AckEnvelope {
  return { ...head(device, id), ack: true };
}

/** @param facts `gateway` and `state` at least */
export function presenceEnvelope(facts: Omit<PresenceEnvelope, "v">): PresenceEnvelope {
  return { v: ENVELOPE_VERSION, ...facts } as PresenceEnvelope;
}

function head(device: string, id: string | undefined) {
  return { v: ENVELOPE_VERSION, device, ...(id !== undefined && { id }) } as const;
}

/** @throws SMP_BAD_FRAME as {@link readEnvelope}, or saying why it is no JSON */
export function parseEnvelope(text: string): Envelope {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw bad("payload", `is no JSON (${messageOf(cause)})`);
  }
  return readEnvelope(json);
}

/**
 * Frames may also be Buffers, in messages that never were text.
 * @throws SMP_BAD_FRAME naming the member that is wrong, as `field` too; "v" for another version
 */
export function readEnvelope(json: unknown): Envelope {
  if (typeof json !== "object" || json === null || Array.isArray(json)) throw bad("payload", "is no JSON object");
  const given = json as Record<string, unknown>;
  const { v = ENVELOPE_VERSION } = given;
  if (v !== ENVELOPE_VERSION) {
    throw bad("v", `has the version ${shown(v)}, but only version ${ENVELOPE_VERSION} is known`);
  }
  return contentOf(given);
}

function contentOf(given: Record<string, unknown>): Envelope {
  if (present(given["error"])) return { kind: "failure", ...address(given), error: failureOf(given["error"]) };
  if (given["ack"] === true) return { kind: "ack", ...address(given) };
  if (present(given["frame"]) || present(given["frames"])) {
    return { kind: "frames", ...address(given), frames: framesOf(given) };
  }
  if (present(given["gateway"])) return { kind: "presence", presence: presenceOf(given) };
  const members = Object.keys(given).slice(0, 10).join(", ") || "none";
  throw bad("payload", `has neither "frame" nor "error", "ack" or "gateway"; its members: ${members}`);
}

function present(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function address(given: Record<string, unknown>): { device?: string; id?: string } {
  const device = textOf(given, "device");
  const id = textOf(given, "id");
  return { ...(device !== undefined && { device }), ...(id !== undefined && { id }) };
}

/** Clouds make numbers of what looks like one. */
function textOf(given: Record<string, unknown>, member: string): string | undefined {
  const value = given[member];
  if (!present(value)) return undefined;
  if (typeof value === "number") return String(value);
  if (typeof value === "string" && value !== "") return value;
  throw bad(member, `has a "${member}" that is ${value === "" ? "empty" : "no text"}`);
}

function failureOf(value: unknown): EnvelopeFailure {
  const error = typeof value === "object" && value !== null ? (value as Record<string, unknown>) : { message: value };
  const { code, message, retryable } = error;
  const said = [message, code].find((text) => typeof text === "string" && text !== "");
  return {
    code: typeof code === "string" ? code : "",
    message: typeof said === "string" ? said : shown(value),
    retryable: retryable !== false,
  };
}

function framesOf({ frame, frames }: Record<string, unknown>): Uint8Array[] {
  if (present(frame)) return [bytesOf("frame", frame)];
  if (Array.isArray(frames)) return frames.map((each, index) => bytesOf(`frames[${index}]`, each));
  throw bad("frames", 'has "frames" that are no list');
}

function bytesOf(member: string, value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return Uint8Array.from(value);
  if (typeof value !== "string") throw bad(member, `has a "${member}" that is no base64 text`);
  const bytes = base64Bytes(value);
  if (bytes && bytes.length > 0) return bytes;
  throw bad(member, `has a "${member}" that is no base64: "${value.slice(0, 24)}${value.length > 24 ? "…" : ""}"`);
}

function presenceOf(given: Record<string, unknown>): PresenceEnvelope {
  const gateway = textOf(given, "gateway");
  const state = textOf(given, "state");
  if (gateway === undefined || state === undefined) throw bad("state", 'has a "gateway" but no "state"');
  return { ...given, ...address(given), v: ENVELOPE_VERSION, gateway, state };
}

/** In a flow anything may stand there, also what is no JSON. */
function shown(value: unknown): string {
  try {
    return (JSON.stringify(value) ?? typeof value).slice(0, 100);
  } catch {
    return `of type ${typeof value}`;
  }
}

function bad(field: string, how: string): SmpError {
  return new SmpError("SMP_BAD_FRAME", `the envelope ${how}`, {
    field,
    hint: 'It must be {"v":1,"device":"…","id":"…","frame":"<base64>"}, see "SMP frames as messages" in the README.',
  });
}
