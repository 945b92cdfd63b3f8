/**
 * In the guest: an update of a device over the fork of noble that the kernel's command line names, with its native module, and an
 * attempt at a device that is gone. Prints what came of it.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import {
  bleTransport,
  confirmImage,
  createPool,
  inspectFirmware,
  openFirmware,
  readImageState,
  resetDevice,
  type SessionPool,
  testImage,
  toSmpError,
  uploadFirmware,
} from "../../../src/index";
import { buildImage } from "../../build-image";
import { powerOn } from "./power-on";
import { type Absence, type GuestReport, printed, type Update } from "./report";

const NEW = buildImage({ version: "2.0.0", payloadBytes: 12_000 });
/** An emulated machine is slow. */
const SCAN_MS = 30_000;
const OPEN_MS = 90_000;
const TICK_MS = 100;

async function readState(pool: SessionPool) {
  return await pool.use("sensor-1", { name: "read" }, async (device) => readImageState(await device.session()));
}

async function update(pool: SessionPool): Promise<Update> {
  const source = await openFirmware(NEW);
  const info = await inspectFirmware(await openFirmware(NEW));
  const { firmware, outcome } = await pool.use("sensor-1", { name: "upload" }, (device) =>
    uploadFirmware(device, source, info),
  );
  const wanted = { hash: firmware.hash, image: 0 };
  await pool.use("sensor-1", { name: "test" }, (device) => testImage(device, wanted));
  const { verdict } = await pool.use("sensor-1", { name: "reset" }, (device) => resetDevice(device, { wanted }));
  await pool.use("sensor-1", { name: "confirm" }, (device) => confirmImage(device, wanted));
  return { outcome, verdict, slots: await readState(pool) };
}

async function seekGhost(pool: SessionPool): Promise<Absence> {
  let ticks = 0;
  const ticking = setInterval(() => ticks++, TICK_MS);
  const error = await pool.use("ghost", { name: "read" }, (device) => device.session()).catch(toSmpError);
  clearInterval(ticking);
  if (!("code" in error)) throw new Error("the ghost let itself be connected to");
  const { code, message, hint } = error;
  return { code, message, hint, ticks, slotsAfterwards: await readState(pool) };
}

async function run(air: ChildProcess): Promise<GuestReport> {
  const [word] = (await once(air, "message")) as [string];
  console.log(`controller ${word}`);
  await powerOn();
  console.log("adapter is on");
  const transport = bleTransport(
    { driver: process.env["smp_driver"] as "abandonware" | "stoprocent", scanMs: SCAN_MS },
    { log: (line) => console.log(`noble: ${line}`) },
  );
  const pool = createPool(transport, { openTimeoutMs: OPEN_MS });
  const updated = await update(pool);
  console.log("updated");
  air.send("let the ghost appear");
  return { update: updated, absence: await seekGhost(pool) };
}

const air = fork(join(__dirname, "air.js"));
air.once("exit", (code) => {
  if (code === null) return;
  console.log(printed({ error: `the virtual controller ended with code ${code}` }));
  process.exit(1);
});
void run(air)
  .then(
    (report) => console.log(printed(report)),
    (error: unknown) => console.log(printed({ error: error instanceof Error ? String(error.stack) : String(error) })),
  )
  .finally(() => air.kill("SIGKILL"));
