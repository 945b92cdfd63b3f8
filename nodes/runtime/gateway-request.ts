/** What a message asks a gateway to do. */
import { decodePayload, SmpError, type PayloadForm } from "../../src/index";
import { recordOf, type FlowMessage } from "./red";

export interface GatewayRequest {
  readonly device: string;
  readonly id?: string;
  /** As they came: pieces of frames, or several together. */
  readonly bytes: readonly Uint8Array[];
  /** In which it is answered. */
  readonly form: PayloadForm;
  /** How long the steering side still waits: what MQTT 5 has left of a message's life, or smp-frames-out in the same flow says. */
  readonly withinMs?: number;
}

/**
 * @returns undefined for a message that asks nothing, such as an acknowledgement
 * @throws SMP_BAD_FRAME, SMP_BAD_INPUT saying what is wrong with the message
 */
export function readRequest(msg: FlowMessage): GatewayRequest | undefined {
  const payload = msg.payload;
  const envelope = decodePayload(payload);
  if (envelope.kind === "ack") return undefined;
  if (envelope.kind !== "frames") {
    throw new SmpError("SMP_BAD_INPUT", `the payload is a message of the kind "${envelope.kind}", not a request`, {
      field: "msg.payload",
      hint: "Lead only what comes from the steering side to the gateway node.",
    });
  }
  if (msg["retain"] === true) {
    throw new SmpError("SMP_BAD_INPUT", "a retained message is not played: nobody knows how old its request is", {
      field: "msg.retain",
      hint: "Publish requests without the retain flag, and remove the retained message from the broker.",
    });
  }
  const { id, frames } = envelope;
  const form = formOf(payload, envelope.device !== undefined);
  const expiryS = msg["messageExpiryInterval"];
  return {
    device: envelope.device ?? deviceOf(msg),
    ...(id !== undefined && { id }),
    bytes: frames,
    form,
    ...(typeof expiryS === "number" && { withinMs: expiryS * 1000 }),
  };
}

/** Bare frames say not themselves which device they are for. */
function deviceOf(msg: FlowMessage): string {
  const { device } = recordOf(msg.smp);
  const named = [device, msg.topic].find((text) => typeof text === "string" && text !== "");
  if (typeof named === "string") return named;
  throw new SmpError(
    "SMP_BAD_INPUT",
    "the message names no device: neither in the envelope nor in msg.smp.device or msg.topic",
    {
      field: "msg.smp.device",
    },
  );
}

function formOf(payload: unknown, isEnvelope: boolean): PayloadForm {
  if (isEnvelope) return "envelope";
  if (typeof payload === "string") return /^[\da-f\s:]+$/i.test(payload) ? "hex" : "base64";
  return payload instanceof Uint8Array ? "buffer" : "envelope";
}
