/** Virtual devices on UDP ports, in a process of their own: `device-host.js COUNT SLOT_BYTES BUF_COUNT` prints the ports. */
import { VirtualDevice } from "../../src/device/device";
import { serveUdp } from "../../src/device/udp-server";
import { buildImage } from "../build-image";

const OLD = buildImage({ version: "1.0.0", payloadBytes: 2_000 });

async function main(count: number, slotBytes: number, bufCount: number): Promise<void> {
  const ports: number[] = [];
  for (let index = 0; index < count; index++) {
    const device = new VirtualDevice({ name: `device-${index + 1}`, slot0: OLD, slotBytes, bufCount });
    ports.push((await serveUdp(device, { host: "127.0.0.1", port: 0 })).address.port);
  }
  console.log(JSON.stringify(ports));
}

const [count, slotBytes, bufCount] = process.argv.slice(2).map(Number);
void main(count!, slotBytes!, bufCount!);
