/** Both halves together: a pool whose link is the flow, and a gateway at its far end. */
import assert from "node:assert/strict";
import { VirtualDevice } from "../../src/device/device";
import { failureEnvelope, frameEnvelope, readEnvelope } from "../../src/framing/envelope";
import { Gateway } from "../../src/gateway/gateway";
import { inspectFirmware } from "../../src/image/inspect";
import { openFirmware } from "../../src/image/source";
import { createPool } from "../../src/session/pool";
import { toSmpError } from "../../src/errors";
import { flowTransport } from "../../src/transport/flow";
import { FlowChannel } from "../../src/transport/flow/channel";
import type { Transport } from "../../src/transport/transport";
import { virtualTransport } from "../../src/transport/virtual";
import { uploadFirmware } from "../../src/update/upload";
import { imageBytes, imagePath } from "../images";

const image = imagePath("ed25519-1.5.0.bin");

/** As a link whose own limit is below what the device's buffers take. */
function narrow(transport: Transport<string>, maxFrameBytes: number): Transport<string> {
  return {
    ...transport,
    open: async (address, signal) => {
      const link = await transport.open(address, signal);
      return {
        label: link.label,
        maxFrameBytes,
        maxInFlight: link.maxInFlight,
        frames: link.frames,
        send: (frame, inner) => link.send(frame, inner),
        close: () => link.close(),
      };
    },
  };
}

describe("an upload through the flow to a gateway", () => {
  it("finds the size that fits the device's own link, which only the gateway knows", async () => {
    const device = new VirtualDevice({ name: "a", pace: "instant", slot0: imageBytes("hash-only-1.0.0.bin") });
    const local = createPool(narrow(virtualTransport({ find: () => device, names: () => ["a"] }), 700));
    const gateway = new Gateway(local);
    const channel = new FlowChannel();
    const sizes: number[] = [];
    channel.addInlet();
    channel.addOutlet({
      form: "envelope",
      emit: ({ id, frame }) => {
        sizes.push(frame.length);
        const play = gateway.play({ device: "a", id, frame });
        void play
          .then((answer) => frameEnvelope("a", id, answer))
          .catch((error: unknown) => failureEnvelope("a", id, toSmpError(error)))
          .then((reply) => channel.take(readEnvelope(reply)));
      },
    });
    const pool = createPool(flowTransport(channel));
    const source = await openFirmware(image);
    try {
      const info = await inspectFirmware(source);
      const { outcome } = await pool.use("a", { name: "upload" }, (handle) => uploadFirmware(handle, source, info));
      assert.equal(outcome, "uploaded");
      assert.ok(
        sizes.some((bytes) => bytes > 700),
        "the first ones were too large",
      );
    } finally {
      await source.close();
      await pool.close();
      gateway.close();
      await local.close();
      device.close();
    }
  });
});
