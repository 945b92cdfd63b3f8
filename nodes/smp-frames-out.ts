/** Where the SMP frames of a pool leave as messages, one message for each frame. */
import { encodePayload, PAYLOAD_FORMS, type OutgoingFrame, type SmpFrameMessage } from "../src/index";
import { oneOf, setting } from "./runtime/checks";
import { FlowEndNode } from "./runtime/flow-end";
import type { FlowNode, NodeAPI, NodeDef, NodeMessage } from "./runtime/red";

interface FramesOutConfig extends NodeDef {
  readonly pool?: string;
  /** How frames stand in `msg.payload`. */
  readonly form?: unknown;
}

export default function (RED: NodeAPI): void {
  RED.nodes.registerType("smp-frames-out", function (this: FlowNode, config: FramesOutConfig) {
    RED.nodes.createNode(this, config);
    const pool = config.pool ?? "";
    const end = new FlowEndNode(RED, this, pool, "the smp-frames-out node");
    const form = end.setting(() => oneOf(setting("form"), config.form ?? "buffer", PAYLOAD_FORMS)) ?? "buffer";
    const emit = ({ device, id, seq, attempt, command, timeoutMs, frame }: OutgoingFrame): void => {
      const message: SmpFrameMessage & NodeMessage = {
        topic: device,
        payload: encodePayload(form, { device, id, frame }),
        smp: { pool, device, id, seq, try: attempt, command, bytes: frame.length, timeoutMs },
        messageExpiryInterval: Math.max(1, Math.ceil(timeoutMs / 1000)),
      };
      this.send(message);
    };
    end.takePart(
      (channel) => channel.addOutlet({ form, emit }),
      ({ sent, unacknowledged }, waiting) => ({
        text: end.words.own(waiting > 0 ? "waiting" : "sent", { sent, waiting }),
        isOdd: unacknowledged > 0,
      }),
    );
  });
}
