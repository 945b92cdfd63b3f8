/** A Zephyr SMP server on UDP port 1337 of this host, the only port that it knows. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zephyrServer } from "./peers";

export class ZephyrServer {
  readonly #child: ChildProcess;
  readonly #folder: string;

  private constructor(child: ChildProcess, folder: string) {
    this.#child = child;
    this.#folder = folder;
  }

  /** @param config name of the build, e.g. "udp" */
  static async start(config: string): Promise<ZephyrServer> {
    const program = await zephyrServer(config);
    // It keeps its flash in a file where it was started.
    const folder = mkdtempSync(join(tmpdir(), "zephyr-"));
    const child = spawn(program, [], { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
    const server = new ZephyrServer(child, folder);
    let said = "";
    await new Promise<void>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code) => reject(new Error(`${program} ended with ${code}: ${said}`)));
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding("utf8").on("data", (text: string) => {
          said += text;
          if (said.includes("smp_udp: Started")) resolve();
        });
      }
    });
    return server;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const ended = once(this.#child, "close");
      this.#child.kill("SIGKILL");
      await ended;
    }
    rmSync(this.#folder, { recursive: true });
  }
}
