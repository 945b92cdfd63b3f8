/** Whether and how large frames can go to a device. */
import { SmpError } from "../../errors";
import type { PresenceEnvelope } from "../../framing/envelope";
import { MAX_FRAME_BYTES } from "../../framing/frame-length";
import { frameRoom, type PayloadForm } from "../../framing/payload";
import { LONGEST_ID } from "./requests";

/** An echo. */
const MIN_FRAME_BYTES = 20;

export const NO_OUTLET = {
  what: "no smp-frames-out node belongs to the pool",
  hint: "Add an smp-frames-out node for this pool, wire it to what carries messages to the device, and lead the answers to an smp-frames-in node.",
};
export const NO_INLET = {
  what: "no smp-frames-in node belongs to the pool",
  hint: "Add an smp-frames-in node for this pool and lead to it what comes back from the device.",
};

/** The device's gateway is gone. */
export function offline({ gateway, at }: PresenceEnvelope): { what: string; hint: string } {
  const since = typeof at === "string" ? ` since ${at}` : "";
  return {
    what: `its gateway ${gateway} is offline${since}`,
    hint: "Check power and network of the gateway; the device can be reached as soon as the gateway says that it is online.",
  };
}

/**
 * The largest frame to a device, in bytes, header included.
 * @throws SMP_BAD_SETTING when the largest message holds no frame worth it
 */
export function largestFrame(
  device: string,
  maxMessageBytes: number,
  forms: readonly PayloadForm[],
  presence: PresenceEnvelope | undefined,
): number {
  const rooms = forms.map((form) => frameRoom(form, maxMessageBytes, { device, id: LONGEST_ID }));
  const bytes = Math.min(MAX_FRAME_BYTES, ...rooms);
  if (bytes < MIN_FRAME_BYTES) {
    throw new SmpError(
      "SMP_BAD_SETTING",
      `messages of ${maxMessageBytes} bytes to ${device} hold frames of ${bytes} bytes at most, too small for any request`,
      {
        field: "maxMessageBytes",
        limit: maxMessageBytes,
        hint: "Raise the pool's largest message, or let smp-frames-out give Buffers.",
      },
    );
  }
  const told = presence?.["maxFrameBytes"];
  return typeof told === "number" && told >= MIN_FRAME_BYTES ? Math.min(bytes, told) : bytes;
}

/** What is known of the way to a device, for people. */
export function factsOf(presence: PresenceEnvelope | undefined): object {
  if (!presence) return {};
  const { gateway, state, link } = presence;
  return { gateway, state, ...(typeof link === "string" && { farLink: link }) };
}
