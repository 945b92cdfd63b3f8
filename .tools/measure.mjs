/**
 * Speed over UDP and over a serial line in TCP on this host: how long an echo takes, and how fast an image goes up, against the
 * virtual device in a process of its own. `npm run measure [-- FILE]`
 */
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const smp = createRequire(import.meta.url)(join(root, "dist/src/index.js"));
const file = process.argv[2] ?? join(root, "test/images/ed25519-large-4.0.0.bin");
const ECHOES = 1000;
const UPLOADS = 3;
/** What the echo command and its answer, which is a byte longer, add to a text that fills a frame. */
const ECHO_BYTES = 15;

const median = (numbers) => numbers.toSorted((one, other) => one - other)[Math.floor(numbers.length / 2)];

const LINES = [
  { name: "UDP, 1 request at once", device: ["--udp", "0", "--buf-count", "2"] },
  { name: "UDP, 3 at once", device: ["--udp", "0", "--buf-count", "4"] },
  { name: "UDP, 8 at once", device: ["--udp", "0", "--buf-count", "9"] },
  { name: "serial over TCP, console", device: ["--tcp", "0", "--line-buffers", "32"], options: "?linedelay=0" },
  { name: "serial over TCP, raw", device: ["--tcp", "0", "--framing", "raw"], options: "?framing=raw" },
];

/** In a process of its own, as a device is. */
async function startDevice({ device, options = "" }) {
  const args = [join(root, "dist/src/device/cli.js"), "--pace", "instant", "--slot-size", "0x200000", ...device];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const line = await new Promise((resolve) => child.stdout.once("data", (text) => resolve(String(text))));
  const address = /(127\.0\.0\.1:\d+)/.exec(line)[1];
  const isUdp = device[0] === "--udp";
  const pool = smp.createPool(isUdp ? smp.TRANSPORTS.udp() : smp.TRANSPORTS.serial());
  return {
    use: (work) => pool.use(isUdp ? address : `tcp://${address}${options}`, { name: "measure" }, work),
    stop: async () => {
      await pool.close();
      child.kill();
    },
  };
}

async function measureEcho(session, textBytes) {
  const d = "x".repeat(textBytes);
  const times = [];
  for (let count = 0; count < ECHOES; count++) {
    const startMs = performance.now();
    await session.request(smp.commands.os.echo, { d });
    times.push(performance.now() - startMs);
  }
  return median(times);
}

async function measureUpload(line) {
  const rates = [];
  for (let count = 0; count < UPLOADS; count++) {
    const device = await startDevice(line);
    const source = await smp.openFirmware(file);
    const info = await smp.inspectFirmware(source);
    const { elapsedMs } = await device.use((handle) => smp.uploadFirmware(handle, source, info));
    rates.push(info.sizeBytes / elapsedMs);
    await source.close();
    await device.stop();
  }
  return median(rates);
}

for (const line of LINES) {
  const device = await startDevice(line);
  const [shortMs, longMs] = await device.use(async (handle) => {
    const session = await handle.session();
    return [await measureEcho(session, 16), await measureEcho(session, session.maxFrameBytes - ECHO_BYTES)];
  });
  await device.stop();
  const rate = Math.round(await measureUpload(line));
  console.log(
    `${line.name}: ${rate} KB/s; round trip ${shortMs.toFixed(2)} ms, of a full frame ${longMs.toFixed(2)} ms`,
  );
}
