/**
 * Links to devices that are reached through messages: whatever carries these lies between the two ends of a {@link FlowChannel}.
 * An open link proves nothing: whether a device is there is found out by asking it.
 */
import { throwIfAborted } from "../clock";
import { SmpError } from "../errors";
import type { FlowChannel } from "./flow/channel";
import type { Transport } from "./transport";

/** Addresses are names of devices, as the far end knows them. */
export function flowTransport(channel: FlowChannel): Transport<string> {
  return {
    scheme: "flow",
    parse: parseName,
    key: (name) => name,
    open: async (name, signal) => {
      // A turn passes, as with every medium: an abort right after the call finds no link to clean up.
      await Promise.resolve();
      throwIfAborted(signal);
      return channel.open(name);
    },
    discover: async (_signal, onSeen) => channel.found().forEach(onSeen),
  };
}

function parseName(address: unknown): string {
  const name = typeof address === "string" ? address.trim() : "";
  if (name !== "") return name;
  throw new SmpError(
    "SMP_BAD_INPUT",
    "the device must be its name at the far end of the flow, a text that is not empty",
    {
      field: "device",
    },
  );
}
