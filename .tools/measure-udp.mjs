/** Speed over UDP on this host: how long an echo takes, and how fast an image goes up. `npm run measure:udp [-- FILE]` */
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const smp = createRequire(import.meta.url)(join(root, "dist/src/index.js"));
const file = process.argv[2] ?? join(root, "test/images/ed25519-large-4.0.0.bin");
const ECHOES = 2000;
const UPLOADS = 5;
/** What the echo command adds to a text that fills a frame. */
const ECHO_BYTES = 14;

const median = (numbers) => numbers.toSorted((one, other) => one - other)[Math.floor(numbers.length / 2)];

/** In a process of its own, as a device is. */
async function startDevice(...args) {
  const options = ["--udp", "0", "--pace", "instant", "--slot-size", "0x200000", ...args];
  const child = spawn(process.execPath, [join(root, "dist/src/device/cli.js"), ...options], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const line = await new Promise((resolve) => child.stdout.once("data", (text) => resolve(String(text))));
  return { address: /UDP (\S+),/.exec(line)[1], stop: () => child.kill() };
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

async function measureUpload(...args) {
  const rates = [];
  for (let count = 0; count < UPLOADS; count++) {
    const device = await startDevice(...args);
    const pool = smp.createPool(smp.TRANSPORTS.udp());
    const source = await smp.openFirmware(file);
    const info = await smp.inspectFirmware(source);
    const result = await pool.use(device.address, { name: "upload" }, (handle) =>
      smp.uploadFirmware(handle, source, info),
    );
    rates.push(info.sizeBytes / result.elapsedMs);
    await Promise.all([pool.close(), source.close()]);
    device.stop();
  }
  return median(rates);
}

const device = await startDevice();
const pool = smp.createPool(smp.TRANSPORTS.udp());
await pool.use(device.address, { name: "echo" }, async (handle) => {
  const session = await handle.session();
  for (const textBytes of [16, session.maxFrameBytes - ECHO_BYTES]) {
    const ms = await measureEcho(session, textBytes);
    console.log(`echo of ${textBytes} bytes: ${ms.toFixed(2)} ms round trip (median of ${ECHOES})`);
  }
});
await pool.close();
device.stop();
for (const [atOnce, ...args] of [
  [1, "--buf-count", "2"],
  [3, "--buf-count", "4"],
  [8, "--buf-count", "9"],
]) {
  const rate = Math.round(await measureUpload(...args));
  console.log(`upload, at most ${atOnce} requests at once: ${rate} KB/s (median of ${UPLOADS})`);
}
