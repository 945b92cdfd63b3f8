/** A flow whose far end is the test. */
import { FlowChannel, type OutgoingFrame } from "../../../src/transport/flow/channel";
import type { FlowSettings } from "../../../src/transport/flow/settings";
import type { PayloadForm } from "../../../src/framing/payload";

export interface Joined {
  readonly channel: FlowChannel;
  /** What has left, oldest first. */
  readonly out: OutgoingFrame[];
}

export function joined(
  settings: Partial<FlowSettings> = {},
  far: (outgoing: OutgoingFrame, channel: FlowChannel) => void = () => {},
  form: PayloadForm = "buffer",
): Joined {
  const channel = new FlowChannel(settings);
  const out: OutgoingFrame[] = [];
  channel.addInlet();
  channel.addOutlet({
    form,
    emit: (outgoing) => {
      out.push(outgoing);
      far(outgoing, channel);
    },
  });
  return { channel, out };
}
