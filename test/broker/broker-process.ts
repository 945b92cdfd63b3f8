/** A real MQTT broker that can be killed and started again where it was. */
import { spawn, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import { killProcess } from "../kill-process";

export class BrokerProcess {
  readonly port: number;
  #child: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  static async start(): Promise<BrokerProcess> {
    const { child, port } = await launch(0);
    return new BrokerProcess(child, port);
  }

  /** As a power cut does it: nobody is told, nothing is kept. */
  async kill(): Promise<void> {
    await killProcess(this.#child);
  }

  /** On the same port. */
  async restart(): Promise<void> {
    ({ child: this.#child } = await launch(this.port));
  }
}

async function launch(wantedPort: number): Promise<{ child: ChildProcess; port: number }> {
  const command = ["--require", require.resolve("tsx/cjs"), join(__dirname, "main.ts"), String(wantedPort)];
  const child = spawn(process.execPath, command, { stdio: ["ignore", "pipe", "inherit"] });
  process.once("exit", () => child.kill("SIGKILL"));
  const port = await new Promise<number>((resolve, reject) => {
    child.once("close", (code) => reject(new Error(`the broker ended with ${code}`)));
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      const [, listening] = /^listening on (\d+)/m.exec(text) ?? [];
      if (listening !== undefined) resolve(Number(listening));
    });
  });
  return { child, port };
}
