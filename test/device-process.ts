/** `smp-virtual-device` as a process of its own, on a free UDP port, and a TCP port with a serial line if asked for. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

const CLI = join(__dirname, "../src/device/cli.ts");

export class DeviceProcess {
  readonly port: number;
  readonly serialPort: number | undefined;
  /** What the device says of itself, line by line. */
  readonly lines: string[];
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, [port, serialPort]: number[], lines: string[]) {
    this.#child = child;
    this.port = port!;
    this.serialPort = serialPort;
    this.lines = lines;
  }

  static async start(...args: string[]): Promise<DeviceProcess> {
    const command = ["--require", require.resolve("tsx/cjs"), CLI, "--udp", "0", ...args];
    const child = spawn(process.execPath, command, { stdio: ["ignore", "pipe", "inherit"] });
    const lines: string[] = [];
    const ports = await new Promise<number[]>((resolve, reject) => {
      child.once("close", (code) => reject(new Error(`smp-virtual-device ended with ${code}`)));
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        lines.push(...text.split("\n").filter((line) => line !== ""));
        const [, listening] = /^listening on (.*), running/.exec(lines[0] ?? "") ?? [];
        if (listening !== undefined)
          resolve(Array.from(listening.matchAll(/:(\d+)(?: |$)/g), ([, port]) => Number(port)));
      });
    });
    return new DeviceProcess(child, ports, lines);
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const ended = once(this.#child, "close");
    this.#child.kill("SIGTERM");
    await ended;
  }
}
