/** The parent's side of a process in which noble lives (ble-host/main.ts): its life, and the way to its tasks. */
import { type ChildProcess, fork } from "node:child_process";
import { extname, join } from "node:path";
import { after, formatMs } from "../clock";
import { SmpError } from "../errors";
import type { FromHost, HostError, HostSettings, ToHost } from "./ble-host/messages";

/** Blocks of noble that are to be expected are shorter; SMP requests wait about as long. */
const STUCK_MS = 10_000;
const PINGS = 5;
const END_MS = 2_000;
/** What the process last printed, for the error when it dies. */
const PRINTED_LINES = 20;

export interface HostProcessOptions {
  readonly execArgv?: readonly string[] | undefined;
  readonly env?: NodeJS.ProcessEnv | undefined;
  readonly stuckMs?: number | undefined;
  /** Gets each line that noble prints. */
  readonly log?: ((line: string) => void) | undefined;
}

type TaskMessage = Exclude<FromHost, { type: "pong" | "worn-out" }>;

/** What the host says went wrong. */
export function errorOf({ code, message, hint, retryable }: HostError): SmpError {
  return new SmpError(code, message, { hint, retryable });
}

export interface Task {
  take(message: TaskMessage): void;
  /** The process is gone; nothing comes any more. */
  gone(error: SmpError): void;
}

export class HostProcess {
  readonly #child: ChildProcess;
  readonly #options: HostProcessOptions;
  readonly #tasks = new Map<number, Task>();
  readonly #printed: string[] = [];
  readonly #onIdle: () => void;
  #lastTask = 0;
  #unansweredPings = 0;
  #cancelPing: () => void = () => {};
  #isWornOut = false;
  #end: string | undefined;

  /** @param onIdle called when the last task has ended */
  constructor(settings: HostSettings, options: HostProcessOptions, onIdle: () => void) {
    this.#options = options;
    this.#onIdle = onIdle;
    this.#child = fork(join(__dirname, "ble-host", `main${extname(__filename)}`), [JSON.stringify(settings)], {
      execArgv: [...(options.execArgv ?? [])],
      env: { ...process.env, ...options.env },
      serialization: "advanced",
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    this.#child.on("message", (message: FromHost) => this.#take(message));
    this.#child.on("error", (error) => this.#over(`could not be started: ${error.message}`));
    this.#child.on("exit", (code, signal) => this.#over(`ended with ${signal ?? `code ${code}`}${this.#lastWords()}`));
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => this.#hear(text));
      if (stream && "unref" in stream) (stream as unknown as { unref(): void }).unref();
    }
    this.#release();
    this.#ping();
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Whether new tasks may be begun here. */
  get isUsable(): boolean {
    return !this.#isWornOut && this.#end === undefined;
  }

  get isIdle(): boolean {
    return this.#tasks.size === 0;
  }

  /** @returns the task's number; its last message is "failed" or "ended", unless the process goes before */
  begin(task: Task, message: (number: number) => ToHost): number {
    const number = ++this.#lastTask;
    if (this.#end !== undefined) {
      task.gone(this.#goneError());
      return number;
    }
    this.#tasks.set(number, task);
    this.#hold();
    this.tell(message(number));
    return number;
  }

  tell(message: ToHost): void {
    // What cannot be delivered is answered by the process's end.
    if (this.#child.connected) this.#child.send(message, () => {});
  }

  /** Lets the process end its links and itself; its tasks learn that it is gone. */
  end(why: string): void {
    this.#over(why);
    if (this.#child.connected) this.#child.disconnect();
    after(END_MS, () => this.#child.kill("SIGKILL"), { background: true });
  }

  /** Ends a process that may not listen any more. */
  kill(why: string): void {
    this.#over(why);
    this.#child.kill("SIGKILL");
  }

  #take(message: FromHost): void {
    this.#unansweredPings = 0;
    if (message.type === "pong" || this.#end !== undefined) return;
    if (message.type === "worn-out") {
      this.#isWornOut = true;
      return;
    }
    const task = this.#tasks.get(message.task);
    if (message.type === "failed" || message.type === "ended") this.#tasks.delete(message.task);
    task?.take(message);
    this.#noticeIdle();
  }

  #noticeIdle(): void {
    if (!this.isIdle) return;
    this.#release();
    this.#onIdle();
  }

  /** Counts pings instead of time: a parent that was busy itself has not been answered either. */
  #ping(): void {
    const stuckMs = this.#options.stuckMs ?? STUCK_MS;
    this.#cancelPing = after(
      stuckMs / PINGS,
      () => {
        if (this.#unansweredPings++ >= PINGS)
          return this.kill(`did not answer for ${formatMs(stuckMs)}; noble is stuck`);
        this.tell({ type: "ping" });
        this.#ping();
      },
      { background: true },
    );
  }

  #over(why: string): void {
    if (this.#end !== undefined) return;
    this.#end = why;
    this.#cancelPing();
    const tasks = [...this.#tasks.values()];
    this.#tasks.clear();
    this.#release();
    for (const task of tasks) task.gone(this.#goneError());
    this.#onIdle();
  }

  #goneError(): SmpError {
    return new SmpError("SMP_LINK_LOST", `the Bluetooth process ${this.#end}`, {
      hint: "It is started anew with the next attempt. If it happens again, choose the other driver (@abandonware/noble, @stoprocent/noble).",
    });
  }

  #hear(text: string): void {
    for (const line of text.split("\n").filter((part) => part.trim() !== "")) {
      this.#options.log?.(line);
      this.#printed.push(line);
      if (this.#printed.length > PRINTED_LINES) this.#printed.shift();
    }
  }

  #lastWords(): string {
    const telling = this.#printed.findLast((line) => /error/i.test(line)) ?? this.#printed.at(-1);
    return telling === undefined ? "" : ` (${telling.trim()})`;
  }

  /** Work under way keeps this process alive, as a socket would; a host that idles does not. */
  #hold(): void {
    this.#child.ref();
    this.#child.channel?.ref();
  }

  #release(): void {
    this.#child.unref();
    this.#child.channel?.unref();
  }
}
