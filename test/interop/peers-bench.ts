/**
 * `npm run bench:peers [-- udp loss serial mcuboot]`: the same image over the same link to the same kind of device, which is fresh
 * each time, with this package and with other people's clients, each with its own defaults. It prints Markdown tables.
 */
import { statSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { createPool, inspectFirmware, openFirmware, readImageState, TRANSPORTS } from "../../src/index";
import { DeviceProcess } from "../device-process";
import { Pty } from "../serial/pty/socat";
import { DatagramRelay, type Network } from "./datagram-relay";
import { type Board, EmulatedDevice, ramLoad, SWAP } from "./emulated-device";
import { Images } from "./images";
import { LineRelay } from "./line-relay";
import { type Client, CLIENTS, type Run, upload } from "./peer-upload";
import { zephyrBuild } from "./peers";
import { type Row, Table } from "./markdown";
import type { Traffic } from "./traffic";

interface Measured extends Run {
  /** Whether the device has the image now. */
  readonly isThere: boolean;
  readonly traffic: Traffic;
  readonly uploads?: { readonly requests: number; readonly imageBytes: number };
}

const CLIENT_NAMES = Object.keys(CLIENTS) as Client[];
const IMAGE_BYTES = 200_000;
/** A fast network may lose nothing, so that one run says all; losses are drawn. */
const SEEDS = [1, 2, 3, 4, 5];
/** All clients know it; one of them knows no other. */
const PORT = 1337;
const RELAY_HOST = "127.0.0.2";
const images = new Images();

/** @param bufCount of the device: one request at a time with 2, as is usual, three at a time with 4 */
async function overUdp(client: Client, file: string, bufCount: number, network: Network): Promise<Measured> {
  const buffers = ["--buf-size", "2048", "--buf-count", `${bufCount}`];
  const device = await DeviceProcess.start("--pace", "instant", ...buffers);
  const relay = await DatagramRelay.open(RELAY_HOST, PORT, device.port, network);
  try {
    const run = await upload(client, RELAY_HOST, file);
    const isThere = await hasImage(`127.0.0.1:${device.port}`, file);
    return { ...run, isThere, traffic: relay.traffic, uploads: relay.uploads };
  } finally {
    await relay.close();
    await device.stop();
  }
}

/** A serial port that is joined with a device's line. @param baud no limit when absent */
async function overSerial(client: Client, file: string, line: number, baud?: number): Promise<Measured> {
  const relay = await LineRelay.open(line, baud);
  const pty = await Pty.open({ port: relay.port, connections: 1 });
  try {
    const run = await upload(client, pty.path, file);
    await pty.unplug();
    return { ...run, isThere: await hasImage(`tcp://127.0.0.1:${line}`, file), traffic: relay.traffic };
  } finally {
    await pty.close();
    await relay.close();
  }
}

async function hasImage(address: string, file: string): Promise<boolean> {
  const pool = address.startsWith("tcp:") ? createPool(TRANSPORTS.serial()) : createPool(TRANSPORTS.udp());
  const source = await openFirmware(file);
  const { hash } = await inspectFirmware(source);
  await source.close();
  try {
    const state = await pool.use(address, { name: "look" }, async (handle) => readImageState(await handle.session()));
    return state.some((slot) => slot.hash === hash);
  } finally {
    await pool.close();
  }
}

function speed(runs: readonly Measured[], file: string): string {
  const kbPerS = runs.filter(({ isThere }) => isThere).map(({ traffic }) => statSync(file).size / traffic.elapsedMs);
  return kbPerS.length === 0 ? "–" : threeDigits(median(kbPerS));
}

function cost({ cpuMs, traffic }: Measured, file: string): Row {
  const wireBytes = traffic.sentBytes + traffic.receivedBytes;
  return { "CPU s": (cpuMs / 1000).toFixed(2), "bytes / image": (wireBytes / statSync(file).size).toFixed(3) };
}

async function udpSection(): Promise<void> {
  const file = await images.make("2.0.0", IMAGE_BYTES);
  const table = new Table(`UDP, ${IMAGE_BYTES} bytes, 2048-byte buffers, round trip as said`);
  for (const client of CLIENT_NAMES) {
    const row: Row = { client };
    let last: Measured | undefined;
    for (const bufCount of [2, 4]) {
      for (const roundTripMs of [0, 10, 100]) {
        last = await overUdp(client, file, bufCount, { roundTripMs, lostPercent: 0, seed: 1 });
        row[`${bufCount} buffers, ${roundTripMs} ms: KB/s`] = speed([last], file);
      }
    }
    table.add({ ...row, ...cost(last!, file) });
  }
}

async function lossSection(): Promise<void> {
  const file = await images.make("2.0.0", IMAGE_BYTES);
  const table = new Table(`UDP, round trip 10 ms, datagrams lost in each direction, ${SEEDS.length} runs`);
  for (const lostPercent of [1, 5]) {
    for (const bufCount of [2, 4]) {
      for (const client of CLIENT_NAMES) {
        const runs: Measured[] = [];
        for (const seed of SEEDS) {
          runs.push(await overUdp(client, file, bufCount, { roundTripMs: 10, lostPercent, seed }));
        }
        table.add({ "lost, buffers": `${lostPercent} %, ${bufCount}`, client, ...lossRow(runs, file) });
      }
    }
  }
}

function lossRow(runs: readonly Measured[], file: string): Row {
  const ended = runs.filter(({ isThere, error }) => isThere && error === undefined);
  const again = ended.map(({ uploads }) => (uploads!.imageBytes / statSync(file).size - 1) * 100);
  const errors = [...new Set(runs.flatMap(({ error }) => error ?? []))];
  return {
    arrived: `${ended.length} of ${runs.length}`,
    "KB/s": speed(ended, file),
    "sent again": ended.length === 0 ? "–" : `${median(again).toFixed(1)} %`,
    "ended after s": median(runs.map(({ elapsedMs }) => elapsedMs / 1000)).toFixed(1),
    error: errors.join("; ") || "",
  };
}

async function serialSection(): Promise<void> {
  const file = await images.make("2.0.0", IMAGE_BYTES);
  const table = new Table(`Serial port (pty), console framing, ${IMAGE_BYTES} bytes, 1024-byte buffers`);
  for (const client of CLIENT_NAMES) {
    const row: Row = { client };
    let last: Measured | undefined;
    for (const [name, baud] of [
      ["115200 Bd", 115_200],
      ["1 MBd", 1_000_000],
      ["no limit", undefined],
    ] as const) {
      const device = await DeviceProcess.start("--pace", "instant", "--tcp", "0", "--buf-size", "1024");
      last = await overSerial(client, file, device.serialPort!, baud);
      await device.stop();
      row[`${name}: KB/s`] = last.error ?? speed([last], file);
    }
    table.add({ ...row, ...cost(last!, file) });
  }
}

/** QEMU's serial port takes nothing any more when it is written to before the program has set it up. */
const BOOT_MS = 1_000;

/** MCUboot's recovery in QEMU without an application, and Zephyr's application over a MCUboot that swaps. */
const BOARDS: Readonly<Record<string, { board: Board; isBlank: boolean }>> = {
  "MCUboot recovery, 1024": { board: ramLoad("serial_recovery"), isBlank: true },
  "MCUboot recovery, 2048": { board: ramLoad("serial_recovery_buf2048"), isBlank: true },
  "Zephyr, swap": { board: SWAP, isBlank: false },
};

async function mcubootSection(): Promise<void> {
  const table = new Table("Real MCUboot and Zephyr in QEMU, serial port (pty)");
  for (const client of CLIENT_NAMES) {
    const row: Row = { client };
    for (const [name, { board, isBlank }] of Object.entries(BOARDS)) {
      const file = await images.reversion(await zephyrBuild(board.image), "1.1.0");
      const device = await EmulatedDevice.start(board, isBlank);
      await new Promise((resolve) => setTimeout(resolve, BOOT_MS));
      const run = await overSerial(client, file, device.port);
      await device.stop();
      row[`${name}: KB/s`] = run.error ?? threeDigits(statSync(file).size / run.traffic.elapsedMs);
    }
    table.add(row);
  }
}

function threeDigits(value: number): string {
  return value < 1000 ? value.toPrecision(3) : value.toFixed(0);
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)]!;
}

const SECTIONS: Readonly<Record<string, () => Promise<void>>> = {
  udp: udpSection,
  loss: lossSection,
  serial: serialSection,
  mcuboot: mcubootSection,
};

async function main(names: readonly string[]): Promise<void> {
  console.log(`Node.js ${process.version}, ${cpus().length} × ${cpus()[0]!.model}, load ${loadavg()[0]!.toFixed(1)}`);
  try {
    for (const name of names.length > 0 ? names : Object.keys(SECTIONS)) {
      const section = SECTIONS[name];
      if (!section) throw new Error(`no section ${name}; there are ${Object.keys(SECTIONS).join(", ")}`);
      await section();
    }
  } finally {
    images.remove();
  }
}

void main(process.argv.slice(2));
