/**
 * What an upload through the flow costs: messages and bytes per 100 KiB of image, by the largest message that is allowed, both
 * ways together, for envelopes and for bare frames over MQTT with QoS 1. `npm run bench:flow [-- FILE]`
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const smp = createRequire(import.meta.url)(join(root, "dist/src/index.js"));
const file = process.argv[2] ?? join(root, "test/images/ed25519-large-4.0.0.bin");
const PER_BYTES = 100 * 1024;
const DEVICE = "sensor-1";
const { request, response } = smp.gatewayTopics("gateway-1");

/** Of a PUBLISH packet around its payload, MQTT 3.1.1, and of the PUBACK that answers it. */
function mqttBytes(topic, payloadBytes) {
  const remainingBytes = 2 + topic.length + 2 + payloadBytes;
  const lengthBytes = [128, 16_384, 2_097_152].filter((limit) => remainingBytes >= limit).length + 1;
  return 1 + lengthBytes + remainingBytes + 4;
}

/** An upload through two pools with nothing between them but what is counted. */
async function measure(form, maxMessageBytes, bufSize) {
  const slot0 = readFileSync(join(root, "test/images/hash-only-1.0.0.bin"));
  const device = new smp.VirtualDevice({ name: DEVICE, slot0, pace: "instant", slotBytes: 0x200000, bufSize });
  const local = smp.createPool(smp.virtualTransport({ find: () => device, names: () => [DEVICE] }));
  const gateway = new smp.Gateway(local);
  const channel = new smp.FlowChannel({ maxMessageBytes });
  const pool = smp.createPool(smp.TRANSPORTS.flow(channel));
  const total = { messages: 0, payloadBytes: 0, mqttBytes: 0 };
  const count = (topic, payload) => {
    const bytes = form === "envelope" ? Buffer.byteLength(JSON.stringify(payload)) : payload.length;
    if (bytes > maxMessageBytes) throw new Error(`a message of ${bytes} bytes`);
    total.messages++;
    total.payloadBytes += bytes;
    total.mqttBytes += mqttBytes(topic, bytes);
  };
  channel.addInlet();
  channel.addOutlet({
    form,
    emit: async ({ id, frame }) => {
      const to = form === "envelope" ? { form, device: DEVICE, id } : { form, device: DEVICE };
      count(request, smp.encodePayload(form, { device: DEVICE, id, frame }));
      const answer = await gateway.play({ device: DEVICE, id, frame: Uint8Array.from(frame) });
      for (const payload of smp.replyPayloads(to, answer, maxMessageBytes)) {
        count(response, payload);
        channel.take(smp.decodePayload(payload), { device: DEVICE });
      }
    },
  });
  const source = await smp.openFirmware(file);
  const info = await smp.inspectFirmware(source);
  await pool.use(DEVICE, { name: "measure" }, (handle) => smp.uploadFirmware(handle, source, info));
  await source.close();
  await pool.close();
  gateway.close();
  await local.close();
  device.close();
  const scale = PER_BYTES / info.sizeBytes;
  return Object.fromEntries(Object.entries(total).map(([name, value]) => [name, Math.round(value * scale)]));
}

const LIMITS = [256, 1024, 4096, 65_536];

console.log(`per 100 KiB of image; device with buffers of 65,535 bytes; ${file.split("/").at(-1)}`);
console.log(
  "| largest message | form | messages | payload bytes | of the image | MQTT bytes, one hop | of the image |",
);
console.log("| --- | --- | --- | --- | --- | --- | --- |");
for (const form of ["envelope", "buffer"]) {
  for (const limit of LIMITS) {
    const { messages, payloadBytes, mqttBytes: wireBytes } = await measure(form, limit, 65_535);
    const share = (bytes) => `${Math.round((bytes / PER_BYTES) * 100)} %`;
    const cells = [limit, form, messages, payloadBytes, share(payloadBytes), wireBytes, share(wireBytes)];
    console.log(`| ${cells.map((cell) => cell.toLocaleString("en-US")).join(" | ")} |`);
  }
}
