/** A real serial port of the system: a pseudo terminal that socat joins with a TCP port. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readlinkSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface PtyPeer {
  readonly port: number;
  /** Connections that are open. */
  readonly connections: number;
}

export class Pty {
  /** A link to the port, which bears the same name when the port comes back with another. */
  readonly path: string;
  readonly #folder = mkdtempSync(join(tmpdir(), "smp-pty-"));
  readonly #peer: PtyPeer;
  #socat: ChildProcess | undefined;
  #isGoing = false;

  private constructor(peer: PtyPeer) {
    this.#peer = peer;
    this.path = join(this.#folder, "tty");
  }

  static async open(peer: PtyPeer): Promise<Pty> {
    const pty = new Pty(peer);
    await pty.plug();
    return pty;
  }

  /** Times that this process has it open. */
  get openings(): number {
    if (!existsSync(this.path)) return 0;
    const path = realpathSync(this.path);
    return readdirSync("/proc/self/fd").filter((fd) => targetOf(fd) === path).length;
  }

  async plug(): Promise<void> {
    this.#socat = spawn("socat", [`pty,link=${this.path},rawer`, `tcp:127.0.0.1:${this.#peer.port},nodelay`]);
    await once(this.#socat, "spawn");
    while (!existsSync(this.path) || this.#peer.connections === 0)
      await new Promise((resolve) => setImmediate(resolve));
  }

  /** The far end goes away, and socat with it. */
  expectLoss(): void {
    this.#isGoing = true;
  }

  /** Comes back after a loss that was expected. */
  async replug(): Promise<void> {
    if (!this.#isGoing) return;
    this.#isGoing = false;
    if (this.#socat?.exitCode === null) await once(this.#socat, "exit");
    await this.plug();
  }

  /** As pulling the cable does: the port is gone. */
  async unplug(): Promise<void> {
    const socat = this.#socat;
    this.#socat = undefined;
    if (!socat || socat.exitCode !== null || socat.signalCode !== null) return;
    const gone = once(socat, "exit");
    socat.kill("SIGTERM");
    await gone;
  }

  async close(): Promise<void> {
    await this.unplug();
    rmSync(this.#folder, { recursive: true });
  }
}

function targetOf(fd: string): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return undefined;
  }
}
