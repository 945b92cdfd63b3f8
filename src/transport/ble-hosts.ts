/** One host process for each adapter, shared by all who use the adapter, replaced when it is worn out or gone. */
import { after } from "../clock";
import type { HostSettings, ToHost } from "./ble-host/messages";
import { HostProcess, type HostProcessOptions, type Task } from "./ble-host-process";

/** Also sets free what noble remembers of all the devices that it ever saw. */
const IDLE_MS = 30_000;

export class AdapterHost {
  readonly #settings: HostSettings;
  readonly #options: HostProcessOptions;
  #process: HostProcess | undefined;
  #cancelEnd: () => void = () => {};

  constructor(settings: HostSettings, options: HostProcessOptions) {
    this.#settings = settings;
    this.#options = options;
  }

  /** Of the process that runs, if one does. */
  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Begins a task in a process that can still take one. */
  begin(task: Task, message: (number: number) => ToHost): { readonly process: HostProcess; readonly number: number } {
    this.#cancelEnd();
    if (this.#process?.isUsable !== true) this.#process = this.#start();
    const process = this.#process;
    return { process, number: process.begin(task, message) };
  }

  /** Ends the process; it is started anew when it is needed. */
  stop(): void {
    this.#cancelEnd();
    this.#process?.end("was stopped");
    this.#process = undefined;
  }

  #start(): HostProcess {
    const process: HostProcess = new HostProcess(this.#settings, this.#options, () => this.#noticeIdle(process));
    return process;
  }

  #noticeIdle(process: HostProcess): void {
    if (!process.isUsable || process !== this.#process) return process.end("was replaced");
    this.#cancelEnd();
    this.#cancelEnd = after(IDLE_MS, () => this.stop(), { background: true });
  }
}

const hosts = new Map<string, AdapterHost>();

export function adapterHost(settings: HostSettings, options: HostProcessOptions): AdapterHost {
  const { execArgv, env } = options;
  const key = JSON.stringify([settings, execArgv, env]);
  const host = hosts.get(key) ?? new AdapterHost(settings, options);
  hosts.set(key, host);
  return host;
}
