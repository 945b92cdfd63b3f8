/** Devices in processes of their own, so that what is measured here is the client. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const CLI = join(__dirname, "../../src/device/cli.js");
const HOST = join(__dirname, "device-host.js");

export interface Hosted {
  readonly addresses: readonly string[];
  stop(): Promise<void>;
}

export interface HostedOptions {
  readonly count: number;
  readonly slotBytes: number;
  readonly bufCount: number;
}

/** Virtual devices on UDP ports, all in one process. */
export async function hostDevices({ count, slotBytes, bufCount }: HostedOptions): Promise<Hosted> {
  const { child, line } = await startScript(HOST, [count, slotBytes, bufCount].map(String));
  const ports = JSON.parse(line) as number[];
  return { addresses: ports.map((port) => `127.0.0.1:${port}`), stop: () => end(child) };
}

/** A serial line in a TCP port. */
export async function hostSerialLine(slotBytes: number, options: readonly string[]): Promise<Hosted> {
  const args = ["--tcp", "0", "--pace", "instant", "--slot-size", String(slotBytes), ...options];
  const { child, line } = await startScript(CLI, args);
  const address = /127\.0\.0\.1:\d+/.exec(line)![0];
  return { addresses: [`tcp://${address}`], stop: () => end(child) };
}

/** The same as a serial port of this system. */
export async function hostPty(slotBytes: number, options: readonly string[]): Promise<Hosted> {
  const line = await hostSerialLine(slotBytes, options);
  const folder = mkdtempSync(join(tmpdir(), "smp-bench-"));
  const path = join(folder, "tty");
  const socat = spawn("socat", [`pty,link=${path},rawer`, `tcp:${line.addresses[0]!.slice("tcp://".length)},nodelay`]);
  await once(socat, "spawn");
  while (!existsSync(path)) await new Promise((resolve) => setTimeout(resolve, 10));
  return {
    addresses: [path],
    stop: async () => {
      await end(socat);
      await line.stop();
      rmSync(folder, { recursive: true });
    },
  };
}

async function startScript(file: string, args: readonly string[]): Promise<{ child: ChildProcess; line: string }> {
  const child = spawn(process.execPath, [file, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  children.add(child);
  let text = "";
  while (!text.includes("\n")) text += String((await once(child.stdout, "data"))[0]);
  return { child, line: text };
}

/** Also when a measurement fails. */
const children = new Set<ChildProcess>();
process.on("exit", () => children.forEach((child) => child.kill()));

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill();
  await gone;
}
