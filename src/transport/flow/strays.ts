/** What is said of messages that are for nobody. */
import { SmpError } from "../../errors";
import { mayBeginFrame } from "../../framing/frame-length";
import { OP } from "../../smp/header";

const SHOWN_BYTES = 16;
const SHOWN_DEVICES = 5;

export function foreignAnswer(id: string, device: string | undefined): SmpError {
  const whose = device === undefined ? "" : ` of ${device}`;
  return new SmpError("SMP_NO_SESSION", `a message${whose} answers the request ${id}, which this pool has not sent`, {
    ...(device !== undefined && { device }),
    hint: "It answers another steering side, or a request of before a restart; lead every answer to its own pool.",
  });
}

export function mixedUpAnswer(id: string, from: string, to: string): SmpError {
  return new SmpError("SMP_BAD_FRAME", `a message of ${from} answers the request ${id}, which went to ${to}`, {
    device: from,
    hint: "Something on the way mixes devices up: keep device, id and payload of a message together.",
  });
}

export function namelessMessage(): SmpError {
  return new SmpError("SMP_UNKNOWN_DEVICE", "a message does not say which device it came from", {
    hint: 'Set msg.smp.device or msg.topic, or use the envelope with its "device".',
  });
}

export function unknownDevice(device: string, atWork: readonly string[]): SmpError {
  const known = atWork.length === 0 ? "none" : atWork.slice(0, SHOWN_DEVICES).join(", ");
  return new SmpError(
    "SMP_UNKNOWN_DEVICE",
    `a message came from "${device}", on which nobody works (at work: ${known})`,
    { device, hint: "The name must be the one that the connect node was given for the device." },
  );
}

export function noAnswer(device: string, bytes: Uint8Array): SmpError {
  const hex = Buffer.from(bytes.subarray(0, SHOWN_BYTES)).toString("hex");
  const isRequest = mayBeginFrame(bytes[0]!, [OP.READ, OP.WRITE]);
  return new SmpError(
    "SMP_BAD_FRAME",
    `a message of ${device} holds ${bytes.length} bytes that begin no answer (${hex})`,
    {
      device,
      frameLength: bytes.length,
      ...(isRequest && {
        hint: "They begin a request: smp-frames-out seems to be wired to smp-frames-in with no device between.",
      }),
    },
  );
}
