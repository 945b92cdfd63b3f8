/** What the bench measures: each section gives rows of one table. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspectFirmware } from "../../src/image/inspect";
import { openFirmware } from "../../src/image/source";
import { createPool } from "../../src/session/pool";
import type { SessionPool } from "../../src/session/types";
import { os } from "../../src/smp/commands";
import { serialTransport } from "../../src/transport/serial";
import { udpTransport } from "../../src/transport/udp";
import { uploadFirmware } from "../../src/update/upload";
import { buildImage } from "../build-image";
import { gauge, liveBytes, type Cost } from "./gauge";
import { bleModel, lossy, serialModel, udpModel, type Model, type Server } from "./model";
import { runModel } from "./model-run";
import { hostDevices, hostPty, hostSerialLine, type Hosted } from "./processes";

export type Row = Record<string, string | number>;
type Section = (tell: (row: Row) => void) => Promise<void>;

const KIB = 1024;
const MIB = 1024 * KIB;
const ECHOES = 500;

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
    const { cost } = await measureUploads({ pool, addresses: [address], fileBytes: MIB });
    tell({
      link: name,
      "KB/s": rounded(MIB / cost.elapsedMs),
      "CPU ms/MiB": rounded(cost.cpuMs),
      "peak KiB/MiB": rounded(cost.peakBytes / KIB, 0),
      "echo ms": rounded(echoMs, 2),
    });
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

interface Upload {
  readonly pool: SessionPool;
  readonly addresses: readonly string[];
  readonly fileBytes: number;
}

/** What an upload to all of them at once costs, and, in a second one, what it holds halfway. */
async function measureUploads(upload: Upload): Promise<{ cost: Cost; heldBytes: number }> {
  for (const address of upload.addresses) {
    await upload.pool.use(address, { name: "open" }, (device) => device.session());
  }
  const cost = await gauge(() => uploadToAll("1.1.0", upload));
  const baseBytes = liveBytes();
  let heldBytes: number | undefined;
  await uploadToAll("1.2.0", upload, (offBytes) => {
    if (offBytes > upload.fileBytes / 2) heldBytes ??= liveBytes() - baseBytes;
  });
  return { cost, heldBytes: heldBytes ?? 0 };
}

async function uploadToAll(
  version: string,
  { pool, addresses, fileBytes }: Upload,
  onOffset?: (offBytes: number) => void,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "smp-bench-"));
  const path = join(folder, "firmware.bin");
  writeFileSync(path, buildImage({ version, payloadBytes: fileBytes }));
  const onProgress = ({ offBytes }: { offBytes: number }): void => onOffset?.(offBytes);
  const upload = async (address: string): Promise<void> => {
    const source = await openFirmware(path);
    const info = await inspectFirmware(source);
    await pool.use(address, { name: "upload" }, (device) => uploadFirmware(device, source, info, { onProgress }));
    await source.close();
  };
  await Promise.all(addresses.map(upload));
  rmSync(folder, { recursive: true });
}

/** The code as quick as it gets, before anything is measured. */
async function warmUp(): Promise<void> {
  const hosted = await hostDevices({ count: 4, slotBytes: 2 * MIB, bufCount: 4 });
  const pool = createPool(udpTransport());
  await uploadToAll("1.1.0", { pool, addresses: hosted.addresses, fileBytes: MIB });
  await pool.close();
  await hosted.stop();
}

const manySection: Section = async (tell) => {
  await warmUp();
  const fileBytes = 256 * KIB;
  for (const count of [1, 10, 50, 100, 200]) {
    const hosted = await hostDevices({ count, slotBytes: MIB, bufCount: 4 });
    const pool = createPool(udpTransport(), { maxSessions: count });
    const { cost, heldBytes } = await measureUploads({ pool, addresses: hosted.addresses, fileBytes });
    const totalBytes = count * fileBytes;
    tell({
      devices: count,
      "MB/s": rounded(totalBytes / cost.elapsedMs / 1000, 2),
      "CPU ms/MiB": rounded((cost.cpuMs * MIB) / totalBytes),
      "delay p50 ms": rounded(cost.delayP50Ms, 2),
      "delay p99 ms": rounded(cost.delayP99Ms, 2),
      "delay max ms": rounded(cost.delayMaxMs, 1),
      "idle p99 ms": rounded(cost.idleP99Ms, 2),
      "KiB/device": rounded(heldBytes / count / KIB, 0),
      "peak KiB/device": rounded(cost.peakBytes / count / KIB, 0),
    });
    await pool.close();
    await hosted.stop();
  }
};

const sizesSection: Section = async (tell) => {
  await warmUp();
  for (const fileBytes of [100 * KIB, 512 * KIB, MIB, 4 * MIB, 16 * MIB]) {
    const hosted = await hostDevices({ count: 1, slotBytes: fileBytes + 256 * KIB, bufCount: 4 });
    const pool = createPool(udpTransport());
    const { cost, heldBytes } = await measureUploads({ pool, addresses: hosted.addresses, fileBytes });
    tell({
      KiB: fileBytes / KIB,
      "KB/s": rounded(fileBytes / cost.elapsedMs),
      "CPU ms/MiB": rounded((cost.cpuMs * MIB) / fileBytes),
      "held KiB": rounded(heldBytes / KIB, 0),
      "peak KiB": rounded(cost.peakBytes / KIB, 0),
    });
    await pool.close();
    await hosted.stop();
  }
};

export const SECTIONS: Readonly<Record<string, { readonly title: string; readonly run: Section }>> = {
  model: { title: "Modelled links: 1 MiB, checks and erase included, against the limit on paper", run: modelSection },
  real: {
    title: "Real sockets and ports of this host: 1 MiB to a virtual device in another process",
    run: realSection,
  },
  many: { title: "Side by side over UDP in one process: 256 KiB to each", run: manySection },
  sizes: { title: "Sizes of image, over UDP", run: sizesSection },
};
