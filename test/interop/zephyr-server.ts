/** A Zephyr SMP server that runs on this host. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zephyrServer } from "./peers";

/** The only port that it knows is UDP 1337; a serial line is a new pseudo terminal. */
const READY = { udp: /smp_udp: Started/, serial: /connected to pseudotty: (\S+)[^]*Booting Zephyr/ };

export class ZephyrServer {
  /** The pseudo terminal of a serial line. */
  readonly path: string;
  readonly #child: ChildProcess;
  readonly #folder: string;

  private constructor(child: ChildProcess, folder: string, path: string) {
    this.#child = child;
    this.#folder = folder;
    this.path = path;
  }

  /** @param config name of the build, e.g. "udp" */
  static async start(config: string): Promise<ZephyrServer> {
    const program = await zephyrServer(config);
    const ready = config.startsWith("serial") ? READY.serial : READY.udp;
    // It keeps its flash in a file where it was started.
    const folder = mkdtempSync(join(tmpdir(), "zephyr-"));
    const child = spawn(program, [], { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    const path = await new Promise<string>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code) => reject(new Error(`${program} ended with ${code}: ${said}`)));
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding("utf8").on("data", (text: string) => {
          said += text;
          const found = ready.exec(said);
          if (found) resolve(found[1] ?? "");
        });
      }
    });
    return new ZephyrServer(child, folder, path);
  }

  async stop(): Promise<void> {
    await endProcess(this.#child);
    rmSync(this.#folder, { recursive: true });
  }
}

/** Kills it, and waits until it is gone. */
export async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "close");
  child.kill("SIGKILL");
  await ended;
}
