/**
 * Upload speed and round trip over real noble and the virtual controller: `npm run bench:ble`. Connection events are
 * as far apart as said, with six packets each way; the device itself takes no time.
 */
import { performance } from "node:perf_hooks";
import { inspectFirmware } from "../../src/image/inspect";
import { openFirmware } from "../../src/image/source";
import { createPool } from "../../src/session/pool";
import { os } from "../../src/smp/commands";
import { uploadFirmware } from "../../src/update/upload";
import { buildImage } from "../build-image";
import { BleWorld, DRIVERS } from "./ble-fixture";

const FILE = buildImage({ version: "2.0.0", payloadBytes: 150_000 });
const OLD = buildImage({ version: "1.0.0", payloadBytes: 5_000 });
const ROUND_TRIPS = 20;

async function measure(driver: (typeof DRIVERS)[number], intervalMs: number, reassemblyBytes: number | undefined) {
  const world = new BleWorld();
  world.addDevice({ slot0: OLD, slotBytes: 64 * 4096 }, { intervalMs, reassemblyBytes });
  const transport = world.transport({ driver });
  const pool = createPool(transport);
  const info = await inspectFirmware(await openFirmware(FILE));
  const source = await openFirmware(FILE);
  const { uploadMs, tripMs } = await pool.use("sensor-1", { name: "bench" }, async (device) => {
    const session = await device.session();
    const tripStartMs = performance.now();
    for (let trip = 0; trip < ROUND_TRIPS; trip++) await session.request(os.echo, { d: "hello" });
    const uploadStartMs = performance.now();
    await uploadFirmware(device, source, info);
    return { tripMs: (uploadStartMs - tripStartMs) / ROUND_TRIPS, uploadMs: performance.now() - uploadStartMs };
  });
  await pool.close();
  await world.close();
  const kbPerS = (FILE.length / uploadMs).toFixed(1);
  const server = reassemblyBytes === undefined ? "whole frames only" : "reassembly";
  console.log(
    `${driver.padEnd(12)} ${server.padEnd(18)} ${intervalMs} ms: ${kbPerS} KB/s, round trip ${tripMs.toFixed(1)} ms`,
  );
}

async function main(): Promise<void> {
  for (const driver of DRIVERS) {
    for (const intervalMs of [0, 15, 30, 50]) {
      for (const reassemblyBytes of [2475, undefined]) await measure(driver, intervalMs, reassemblyBytes);
    }
  }
}

void main();
