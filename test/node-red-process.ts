/** A real Node-RED as a process of its own, in a folder of its own, spoken to as the editor does. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeRedDir, type FlowNode } from "./node-red";
import { freePort } from "./free-port";
import { killProcess } from "./kill-process";

const STARTED_WITHIN_MS = 60_000;
const LOGGED_WITHIN_MS = 60_000;

export class NodeRedProcess {
  readonly url: string;
  readonly #userDir: string;
  #child: ChildProcess;
  #log = "";

  private constructor(userDir: string, url: string) {
    this.#userDir = userDir;
    this.url = url;
    this.#child = this.#spawn();
    process.once("exit", () => this.#child.kill("SIGKILL"));
  }

  /** @param settings added to the settings file, e.g. `nodesDir` */
  static async start(settings: object = {}): Promise<NodeRedProcess> {
    const userDir = mkdtempSync(join(tmpdir(), "smp-node-red-"));
    const port = await freePort();
    const all = {
      uiHost: "127.0.0.1",
      uiPort: port,
      credentialSecret: false,
      flowFile: "flows.json",
      telemetry: { enabled: false, updateNotification: false },
      editorTheme: { tours: false, palette: { catalogues: [] } },
      ...settings,
    };
    writeFileSync(join(userDir, "settings.js"), `module.exports = ${JSON.stringify(all)};`);
    const started = new NodeRedProcess(userDir, `http://127.0.0.1:${port}`);
    await started.#untilStarted(0);
    return started;
  }

  #spawn(): ChildProcess {
    const child = spawn(process.execPath, [join(nodeRedDir, "red.js"), "--userDir", this.#userDir], {
      cwd: this.#userDir,
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => (this.#log += text));
    return child;
  }

  async #untilStarted(since: number): Promise<void> {
    await this.#untilLogged(/Started flows/, STARTED_WITHIN_MS, since);
    await this.#untilLogged(/Server now running/, STARTED_WITHIN_MS, since);
  }

  get log(): string {
    return this.#log;
  }

  /** Waits for a line of the log, among those written after `since` characters. */
  logged(pattern: RegExp, since = 0): Promise<RegExpExecArray> {
    return this.#untilLogged(pattern, LOGGED_WITHIN_MS, since);
  }

  async fetch(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(`${this.url}/${path}`, init);
  }

  async json<T>(path: string): Promise<T> {
    const response = await this.fetch(path, { headers: { accept: "application/json" } });
    if (!response.ok) throw new Error(`GET /${path} answers ${response.status}: ${await response.text()}`);
    return (await response.json()) as T;
  }

  async deploy(flow: readonly FlowNode[]): Promise<Response> {
    return this.fetch("flows", {
      method: "POST",
      headers: { "content-type": "application/json", "node-red-deployment-type": "full" },
      body: JSON.stringify(flow),
    });
  }

  /** Presses the button of an inject node, once it is there: a deployment is answered before its flows have started. */
  async press(id: string): Promise<void> {
    const deadline = Date.now() + STARTED_WITHIN_MS;
    for (;;) {
      const { ok, status } = await this.fetch(`inject/${id}`, { method: "POST" });
      if (ok) return;
      if (status !== 404 || Date.now() > deadline) throw new Error(`the button of ${id} answers ${status}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Ends the process as a service manager does, and gives its exit code and signal. */
  async stop(): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const exited = once(this.#child, "exit");
      this.#child.kill("SIGTERM");
      const tooLate = setTimeout(() => this.#child.kill("SIGKILL"), 15_000);
      await exited;
      clearTimeout(tooLate);
    }
    rmSync(this.#userDir, { recursive: true, force: true });
    return { code: this.#child.exitCode, signal: this.#child.signalCode };
  }

  /** As a power cut does it. */
  async kill(): Promise<void> {
    await this.crash();
    rmSync(this.#userDir, { recursive: true, force: true });
  }

  /** `kill -9`, which is sent before this returns; {@link startAgain} finds the folder as it was. */
  async crash(): Promise<void> {
    await killProcess(this.#child);
  }

  /** In the same folder and on the same port, after {@link crash}. */
  async startAgain(): Promise<void> {
    const since = this.#log.length;
    this.#child = this.#spawn();
    await this.#untilStarted(since);
  }

  async #untilLogged(pattern: RegExp, withinMs: number, since = 0): Promise<RegExpExecArray> {
    const deadline = Date.now() + withinMs;
    for (;;) {
      const found = pattern.exec(this.#log.slice(since));
      if (found) return found;
      const ended = this.#child.exitCode !== null || this.#child.signalCode !== null;
      if (ended || Date.now() > deadline) {
        await this.stop();
        throw new Error(`Node-RED ${ended ? "ended" : "went on"} without logging ${pattern}:\n${this.#log}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
