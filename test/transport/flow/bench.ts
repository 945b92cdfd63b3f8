/** What an upload of 100 KiB costs in messages and bytes through a flow: `npm run bench:flow`. */
import { VirtualDevice } from "../../../src/device/device";
import { encodePayload, PAYLOAD_FORMS, type PayloadForm } from "../../../src/framing/payload";
import { inspectFirmware } from "../../../src/image/inspect";
import { openFirmware } from "../../../src/image/source";
import { createPool } from "../../../src/session/pool";
import { flowTransport } from "../../../src/transport/flow";
import { FlowChannel } from "../../../src/transport/flow/channel";
import { uploadFirmware } from "../../../src/update/upload";
import { buildImage } from "../../build-image";
import { FarDevices } from "../../far-device";

const KIB = 1024;
const LIMITS_BYTES = [256, KIB, 4 * KIB, 64 * KIB];
const NAME = "sensor-1";

interface Traffic {
  messages: number;
  bytes: number;
}

async function measure(
  form: PayloadForm,
  maxMessageBytes: number,
  file: Uint8Array,
): Promise<Record<"there" | "back", Traffic>> {
  const [there, back] = [
    { messages: 0, bytes: 0 },
    { messages: 0, bytes: 0 },
  ];
  const count = (traffic: Traffic, id: string, frame: Uint8Array): void => {
    const payload = encodePayload(form, { device: NAME, id, frame });
    traffic.messages++;
    traffic.bytes += Buffer.isBuffer(payload) ? payload.length : Buffer.byteLength(textOf(payload));
  };
  const slot0 = buildImage({ version: "1.0.0", payloadBytes: 2_000 });
  const device = new VirtualDevice({ name: NAME, slot0, slotBytes: 256 * KIB, bufSize: 65_535, pace: "instant" });
  const channel = new FlowChannel({ maxMessageBytes });
  const far = new FarDevices(new Map([[NAME, device]]), (name, id, frame) => {
    count(back, id, frame);
    channel.take({ kind: "frames", device: name, id, frames: [frame] });
  });
  channel.addInlet();
  channel.addOutlet({
    form,
    emit: ({ id, frame }) => {
      count(there, id, frame);
      far.play(NAME, id, frame);
    },
  });
  const source = await openFirmware(file);
  const info = await inspectFirmware(source);
  const pool = createPool(flowTransport(channel));
  await pool.use(NAME, { name: "upload" }, (handle) => uploadFirmware(handle, source, info));
  await pool.close();
  device.close();
  return { there, back };
}

function textOf(payload: unknown): string {
  return typeof payload === "string" ? payload : JSON.stringify(payload);
}

async function main(): Promise<void> {
  const file = buildImage({ version: "1.1.0", payloadBytes: 100 * KIB - 72 });
  console.log(`an image of ${file.length} bytes; connect, checks and upload; payloads only`);
  console.log("form      limit   messages   bytes there   of the image   bytes back");
  for (const form of PAYLOAD_FORMS) {
    for (const limitBytes of LIMITS_BYTES) {
      const { there, back } = await measure(form, limitBytes, file);
      const percent = `${Math.round((there.bytes / file.length) * 1000) / 10} %`;
      const cells = [limitBytes, there.messages, there.bytes, percent, back.bytes];
      console.log(
        form.padEnd(8) + cells.map((cell, index) => String(cell).padStart([7, 11, 14, 15, 13][index]!)).join(""),
      );
    }
  }
}

void main();
