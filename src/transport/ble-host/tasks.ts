/** The host's work: each task is a link or a scan, from its begin to its end. */
import { messageOf, SmpError, toSmpError } from "../../errors";
import { throwIfAborted } from "../../clock";
import { Adapter } from "./adapter";
import type { HostLink } from "./host-link";
import { advertOf } from "./identity";
import { loadDriver } from "./load-driver";
import type { FromHost, HostError, HostSettings, ToHost } from "./messages";
import { openHostLink } from "./open";

export interface HostTasksOptions {
  readonly tell: (message: FromHost) => void;
  /** The adapter is on, and noble has made itself at home. */
  readonly onReady: () => void;
}

type Open = Extract<ToHost, { type: "open" }>;
type Work = Extract<ToHost, { type: "send" | "resync" }>;

export class HostTasks {
  readonly #settings: HostSettings;
  readonly #options: HostTasksOptions;
  readonly #running = new Map<number, AbortController>();
  readonly #links = new Map<number, HostLink>();
  #adapter: Adapter | undefined;

  constructor(settings: HostSettings, options: HostTasksOptions) {
    this.#settings = settings;
    this.#options = options;
  }

  take(message: ToHost): void {
    switch (message.type) {
      case "ping":
        return this.#options.tell({ type: "pong" });
      case "open":
        return this.#run(message.task, (signal) => this.#open(message, signal));
      case "scan":
        return this.#run(message.task, (signal) => this.#scan(message.task, signal));
      case "send":
      case "resync":
        return void this.#work(message);
      case "end":
        return this.#end(message.task);
      default:
        return message satisfies never;
    }
  }

  /** Whatever way a task ends, "failed" or "ended" is the last that is told of it. */
  #run(task: number, work: (signal: AbortSignal) => Promise<void>): void {
    const controller = new AbortController();
    this.#running.set(task, controller);
    void work(controller.signal)
      .then(
        () => this.#options.tell({ type: "ended", task }),
        (error: unknown) => {
          if (controller.signal.aborted) this.#options.tell({ type: "ended", task });
          else this.#options.tell({ type: "failed", task, error: plain(error) });
        },
      )
      .finally(() => this.#running.delete(task));
  }

  #end(task: number): void {
    this.#running.get(task)?.abort(new SmpError("SMP_ABORTED", "it is not wanted any more"));
  }

  async #open({ task, ...wish }: Open, signal: AbortSignal): Promise<void> {
    const link = await openHostLink(this.#load(), wish, signal);
    try {
      throwIfAborted(signal);
      this.#links.set(task, link);
      link.onPiece((bytes) => this.#options.tell({ type: "piece", task, bytes }));
      this.#options.tell({ type: "opened", task, facts: link.facts });
      await aborted(AbortSignal.any([signal, link.lost]));
      throwIfAborted(link.lost);
    } finally {
      this.#links.delete(task);
      await link.close();
    }
  }

  async #scan(task: number, signal: AbortSignal): Promise<void> {
    const adapter = this.#load();
    await adapter.ready(signal);
    const failed = new AbortController();
    const endWatch = adapter.scanner.watch({
      seen: (peripheral) => this.#options.tell({ type: "found", task, advert: advertOf(peripheral) }),
      failed: (error) => failed.abort(error),
    });
    try {
      await aborted(AbortSignal.any([signal, adapter.lost, failed.signal]));
      throwIfAborted(adapter.lost);
      throwIfAborted(failed.signal);
    } finally {
      endWatch();
    }
  }

  async #work(message: Work): Promise<void> {
    const { task, ticket } = message;
    const link = this.#links.get(task);
    try {
      if (!link) throw new SmpError("SMP_LINK_LOST", "there is no such link");
      await (message.type === "send" ? link.send(message.frame) : link.resync());
      this.#options.tell({ type: "done", task, ticket });
    } catch (error) {
      this.#options.tell({ type: "done", task, ticket, error: messageOf(error) });
    }
  }

  /** @throws SMP_LINK_OPEN when no driver can be loaded, or the adapter is lost */
  #load(): Adapter {
    if (this.#adapter) return this.#adapter;
    try {
      this.#adapter = new Adapter(loadDriver(this.#settings), this.#settings);
    } catch (error) {
      this.#options.tell({ type: "worn-out" });
      throw error;
    }
    const { lost, on } = this.#adapter;
    lost.addEventListener("abort", () => this.#options.tell({ type: "worn-out" }), { once: true });
    void on.then(this.#options.onReady);
    return this.#adapter;
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

function plain(error: unknown): HostError {
  const { code, message, hint, retryable } = toSmpError(error);
  return { code, message, hint, retryable };
}
