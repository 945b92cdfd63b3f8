/** What the bench measures: each section gives rows of one table. */
import { createPool } from "../../src/session/pool";
import type { SessionPool } from "../../src/session/types";
import { os } from "../../src/smp/commands";
import { serialTransport } from "../../src/transport/serial";
import { udpTransport } from "../../src/transport/udp";
import { costOf, delaysOf, liveBytes, peakBytesOf, restingBytes, type Cost } from "./gauge";
import { bleModel, lossy, serialModel, udpModel, type Model, type Server } from "./model";
import { runModel } from "./model-run";
import { hostDevices, hostPty, hostSerialLine, type Hosted } from "./processes";
import { Uploads } from "./uploads";

export type Row = Record<string, string | number>;
type Section = (tell: (row: Row) => void) => Promise<void>;

const KIB = 1024;
const MIB = 1024 * KIB;
const ECHOES = 500;
/** Before anything is measured, so that the code is as quick as it gets. */
const WARM_UP_BYTES = 16 * MIB;
/** What each row of a table moves, over as many uploads as that takes: few bytes measure chance. */
const COST_BYTES = 48 * MIB;
const DELAY_BYTES = 12 * MIB;
const HELD_ROUNDS = 3;
/** Of the table of links: some are slow. */
const REAL_BYTES = 8 * MIB;

const rounded = (value: number, digits = 1): number => Number(value.toFixed(digits));
const kbPerS = (bytesPerSecond: number): number => rounded(bytesPerSecond / 1000, bytesPerSecond < 10_000 ? 2 : 1);

const SMP: Omit<Server, "bufSize" | "bufCount"> = { requestMs: 0, writeBytesPerSecond: 0, erasePageMs: 0 };
/** Its product specification: 85 ms per page erased, 41 µs per word written. */
const NRF52840 = { requestMs: 1, writeBytesPerSecond: 97_000, erasePageMs: 85 };

/** Buffers as usual on the link: Nordic's 2475 × 4 over Bluetooth LE, and what makes several requests wait for nothing. */
function modelled(): { model: Model; server: Server; device: string }[] {
  const ble = [7.5, 15, 30, 50].flatMap((intervalMs) =>
    [
      { mtu: 23, reassembly: true },
      { mtu: 247, reassembly: false },
      { mtu: 247, reassembly: true },
      { mtu: 498, reassembly: false },
      { mtu: 498, reassembly: true },
    ].flatMap((kind) =>
      [2, 4].map((bufCount) => ({
        model: bleModel({ intervalMs, ...kind }),
        server: { ...SMP, bufSize: 2475, bufCount },
      })),
    ),
  );
  const udp = [0.1, 10, 100].flatMap((latencyMs) =>
    [2, 4, 9].map((bufCount) => ({ model: udpModel(latencyMs), server: { ...SMP, bufSize: 1024, bufCount } })),
  );
  const serial = [115_200, 1_000_000].map((baud) => ({
    model: serialModel(baud),
    server: { ...SMP, bufSize: 1024, bufCount: 4 },
  }));
  const flash = [
    bleModel({ intervalMs: 15, mtu: 498, reassembly: true }),
    bleModel({ intervalMs: 30, mtu: 247, reassembly: false }),
    udpModel(10),
    serialModel(115_200),
  ].map((model) => ({ model, server: { ...NRF52840, bufSize: 2475, bufCount: 4 } }));
  const bad = [2, 4, 9].map((bufCount) => ({
    model: lossy(udpModel(10), 100),
    server: { ...SMP, bufSize: 1024, bufCount },
  }));
  return [
    ...[...ble, ...udp, ...serial, ...bad].map((each) => ({ ...each, device: "no flash time" })),
    ...flash.map((each) => ({ ...each, device: "nRF52840 flash" })),
  ];
}

const modelSection: Section = async (tell) => {
  for (const { model, server, device } of modelled()) {
    const run = await runModel(model, server, MIB);
    tell({
      link: model.name,
      device,
      bufCount: server.bufCount,
      "KB/s": kbPerS(run.bytesPerSecond),
      "limit KB/s": kbPerS(run.limitBytesPerSecond),
      "% of limit": rounded(run.share * 100),
      retries: run.retries,
    });
  }
};

const realSection: Section = async (tell) => {
  await warmUp();
  const fast = ["--line-buffers", "32"];
  const lines: { name: string; host: () => Promise<Hosted>; suffix?: string }[] = [
    ...[2, 4, 9].map((bufCount) => ({
      name: `UDP, ${bufCount - 1} at once`,
      host: () => hostDevices({ count: 1, slotBytes: 2 * MIB, bufCount }),
    })),
    { name: "serial over TCP, console", host: () => hostSerialLine(2 * MIB, fast), suffix: "?linedelay=0" },
    { name: "serial over TCP, raw", host: () => hostSerialLine(2 * MIB, ["--framing", "raw"]), suffix: "?framing=raw" },
    { name: "pty, console", host: () => hostPty(2 * MIB, fast), suffix: "?linedelay=0" },
    { name: "pty, raw", host: () => hostPty(2 * MIB, ["--framing", "raw"]), suffix: "?framing=raw" },
  ];
  for (const { name, host, suffix = "" } of lines) {
    const hosted = await host();
    const pool = name.startsWith("UDP") ? createPool(udpTransport()) : createPool(serialTransport());
    const address = `${hosted.addresses[0]!}${suffix}`;
    const echoMs = await measureEcho(pool, address);
    const uploads = new Uploads(pool, [address], MIB);
    await uploads.once();
    let movedBytes = 0;
    const cost = await costOf(async () => (movedBytes = await uploads.move(REAL_BYTES)));
    tell({
      link: name,
      "KB/s": rounded(movedBytes / cost.elapsedMs),
      "CPU ms/MiB": rounded((cost.cpuMs * MIB) / movedBytes),
      "peak KiB/MiB": rounded((await peakBytesOf(() => uploads.once())) / KIB, 0),
      "echo ms": rounded(echoMs, 2),
    });
    uploads.close();
    await pool.close();
    await hosted.stop();
  }
};

async function measureEcho(pool: SessionPool, address: string): Promise<number> {
  return await pool.use(address, { name: "echo" }, async (device) => {
    const session = await device.session();
    const times: number[] = [];
    for (let count = 0; count < ECHOES; count++) {
      const startMs = performance.now();
      await session.request(os.echo, { d: "0123456789abcdef" });
      times.push(performance.now() - startMs);
    }
    return times.toSorted((one, other) => one - other)[ECHOES / 2]!;
  });
}

interface Measured {
  readonly cost: Cost;
  readonly movedBytes: number;
  /** What all uploads together hold halfway. */
  readonly heldBytes: number;
}

/** Each gauge has uploads of its own. */
async function measureUploads(uploads: Uploads, fileBytes: number): Promise<Measured> {
  await uploads.once();
  let movedBytes = 0;
  const cost = await costOf(async () => (movedBytes = await uploads.move(COST_BYTES)));
  return { cost, movedBytes, heldBytes: await heldHalfway(uploads, fileBytes) };
}

/** The most of some rounds. */
async function heldHalfway(uploads: Uploads, fileBytes: number): Promise<number> {
  const held: number[] = [];
  for (let round = 0; round < HELD_ROUNDS; round++) {
    const baseBytes = await restingBytes();
    await uploads.once((offBytes) => {
      if (held.length === round && offBytes > fileBytes / 2) held.push(liveBytes() - baseBytes);
    });
  }
  return Math.max(...held);
}

const cpuMsPerMib = ({ cost, movedBytes }: Measured): number => rounded((cost.cpuMs * MIB) / movedBytes);

async function warmUp(): Promise<void> {
  const hosted = await hostDevices({ count: 4, slotBytes: 2 * MIB, bufCount: 4 });
  const pool = createPool(udpTransport());
  const uploads = new Uploads(pool, hosted.addresses, MIB);
  await uploads.move(WARM_UP_BYTES);
  uploads.close();
  await pool.close();
  await hosted.stop();
}

const manySection: Section = async (tell) => {
  await warmUp();
  const fileBytes = 256 * KIB;
  for (const count of [1, 10, 50, 100, 200]) {
    const hosted = await hostDevices({ count, slotBytes: MIB, bufCount: 4 });
    const pool = createPool(udpTransport(), { maxSessions: count });
    const uploads = new Uploads(pool, hosted.addresses, fileBytes);
    const measured = await measureUploads(uploads, fileBytes);
    const delays = await delaysOf(() => uploads.move(DELAY_BYTES));
    const peakBytes = await peakBytesOf(() => uploads.once());
    tell({
      devices: count,
      "MB/s": rounded(measured.movedBytes / measured.cost.elapsedMs / 1000, 2),
      "CPU ms/MiB": cpuMsPerMib(measured),
      "delay p50 ms": rounded(delays.p50Ms, 2),
      "delay p99 ms": rounded(delays.p99Ms, 2),
      "delay max ms": rounded(delays.maxMs, 1),
      "idle p99 ms": rounded(delays.idleP99Ms, 2),
      "KiB/device": rounded(measured.heldBytes / count / KIB, 0),
      "peak KiB/device": rounded(peakBytes / count / KIB, 0),
    });
    uploads.close();
    await pool.close();
    await hosted.stop();
  }
};

const sizesSection: Section = async (tell) => {
  await warmUp();
  for (const fileBytes of [100 * KIB, 512 * KIB, MIB, 4 * MIB, 16 * MIB]) {
    const hosted = await hostDevices({ count: 1, slotBytes: fileBytes + 256 * KIB, bufCount: 4 });
    const pool = createPool(udpTransport());
    const uploads = new Uploads(pool, hosted.addresses, fileBytes);
    const measured = await measureUploads(uploads, fileBytes);
    tell({
      KiB: fileBytes / KIB,
      "KB/s": rounded(measured.movedBytes / measured.cost.elapsedMs),
      "CPU ms/MiB": cpuMsPerMib(measured),
      "held KiB": rounded(measured.heldBytes / KIB, 0),
      "peak KiB": rounded((await peakBytesOf(() => uploads.once())) / KIB, 0),
    });
    uploads.close();
    await pool.close();
    await hosted.stop();
  }
};

export const SECTIONS: Readonly<Record<string, { readonly title: string; readonly run: Section }>> = {
  model: { title: "Modelled links: 1 MiB, checks and erase included, against the limit on paper", run: modelSection },
  real: {
    title: "Real sockets and ports of this host: uploads of 1 MiB to a virtual device in another process",
    run: realSection,
  },
  many: { title: "Side by side over UDP in one process: 256 KiB to each", run: manySection },
  sizes: { title: "Sizes of image, over UDP", run: sizesSection },
};
