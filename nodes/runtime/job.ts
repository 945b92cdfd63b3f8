/** The work of a node for one message. */
import type { DeviceHandle, Firmware, ImageState, SmpContext, SmpError, Unfinished } from "../../src/index";
import type { Given } from "./checks";
import { forgetFailure } from "./failure";
import { findPool, targetOf, type PoolNode, type Target } from "./pool";
import { Progress, type ProgressFacts } from "./progress";
import { recordOf, type FlowMessage, type FlowNode, type NodeAPI, type NodeMessage } from "./red";
import type { StatusLine } from "./status-line";
import { evaluateTypedInput, typedInput } from "./typed-input";
import type { Words, WordValues } from "./words";

/** How a job ended well. */
export interface Outcome {
  readonly payload: unknown;
  /** What is added to `msg.smp`. */
  readonly smp: { readonly [K in keyof SmpContext]?: SmpContext[K] | undefined };
  /** Index of the output; 0 when absent. */
  readonly output?: number;
  /** What the status says afterwards; absent: the node's state of rest. */
  readonly text?: string;
  /** It did not go well with everything that it was about. */
  readonly mixed?: boolean;
}

/** What the nodes of a kind do. */
export interface Step {
  /** Names the work in the pool's queue, in statuses and as an error's phase, e.g. "upload". */
  readonly name: string;
  /** Index of the output for errors, always the last one. */
  readonly errorOutput: number;
  /** Index of the output for progress, of nodes that have one. */
  readonly progressOutput?: number;
  /** Values of `msg.action` that `work` sees to; "abort" stops jobs unless it is among them. */
  readonly actions?: readonly string[];
  /** Undefined: the message was taken up, and nothing comes of it alone. */
  work(job: Job): Promise<Outcome | undefined>;
}

/** The node that a job runs in. */
export interface Surroundings {
  readonly RED: NodeAPI;
  readonly node: FlowNode;
  readonly config: object;
  readonly words: Words;
  readonly status: StatusLine;
  readonly step: Step;
  join(pool: PoolNode): void;
  /** A message besides the outcome. Silent once the node is closed. */
  sendAlong(output: number, message: NodeMessage): void;
}

export class Job {
  readonly msg: FlowMessage;
  readonly words: Words;
  readonly #at: Surroundings;
  readonly #controller = new AbortController();
  #progress: Progress | undefined;
  #device: string | undefined;

  constructor(msg: FlowMessage, at: Surroundings) {
    this.msg = msg;
    this.words = at.words;
    this.#at = at;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The device it works on, as soon as that is known. */
  get device(): string | undefined {
    return this.#device;
  }

  abort(reason: SmpError): void {
    this.#controller.abort(reason);
  }

  /** The value of a typed input of the node. @throws SMP_BAD_INPUT */
  input(name: string): Promise<Given> {
    const { RED, node, config } = this.#at;
    return evaluateTypedInput(RED, node, this.msg, typedInput(config, name));
  }

  /** Pool and device that the message names. @throws as {@link targetOf} */
  target(): Target {
    const target = targetOf(this.#at.RED, this.msg);
    this.aimAt(target);
    return target;
  }

  /** The pool that the node itself names, for work on no device. @throws as {@link findPool} */
  pool(told: string): PoolNode {
    const { RED, config } = this.#at;
    const pool = findPool(RED, recordOf(config)["pool"], told);
    this.#at.join(pool);
    return pool;
  }

  /** One of several messages that the work gives, besides its outcome: as the one that came, with another payload. */
  sendAlong(output: number, { payload, smp }: Pick<Outcome, "payload" | "smp">): void {
    const copy = this.#at.RED.util.cloneMessage(this.msg);
    forgetFailure(copy);
    this.#at.sendAlong(output, Object.assign(copy, { payload, smp: { ...recordOf(copy.smp), ...smp } }));
  }

  /** A small message of its own, with nothing of the one that came but what names it. */
  sendFresh(output: number, message: object): void {
    this.#at.sendAlong(output, { ...this.#base(), ...message });
  }

  /** For a node that does not take its target from the message; of many devices none is named. */
  aimAt({ pool, device }: Pick<Target, "pool"> & Partial<Target>): void {
    this.#device = device;
    this.#at.join(pool);
    if (this.#at.step.progressOutput === undefined) return;
    const target = { pool: pool.id, ...(device !== undefined && { device }) };
    this.#progress = new Progress(this.#base(), target, (message) =>
      this.#at.sendAlong(this.#at.step.progressOutput!, message),
    );
  }

  #base(): { topic?: string; _msgid: string } {
    const { topic, _msgid } = this.msg;
    return { ...(topic !== undefined && { topic }), _msgid };
  }

  /**
   * Takes down what the state of the device says of an update that was begun and not ended.
   * @param firmware what was sent last
   */
  seen({ pool, device }: Target, images: ImageState, firmware?: Firmware): Unfinished | undefined {
    return pool.jobs.seen(pool.sessions().key(device), images, firmware);
  }

  /** Waits for the device's turn, connects if need be, and runs `work` with nobody else on the device. */
  use<T>(
    { pool, device }: Target,
    work: (device: DeviceHandle) => Promise<T>,
    options: { sole?: boolean } = {},
  ): Promise<T> {
    const sessions = pool.sessions();
    const operation = {
      name: this.#at.step.name,
      signal: this.signal,
      onWaiting: (ahead: number) => ahead > 0 && this.show(this.words.shared("waiting", { ahead })),
      ...options,
    };
    return sessions.use(device, operation, async (handle) => {
      const isOpen = sessions.status().some(({ key, link }) => key === handle.key && link === "open");
      if (!isOpen) this.show(this.words.shared("connecting"));
      await handle.session(this.signal);
      this.show(this.words.own("busy"));
      return work(handle);
    });
  }

  /** What the status says while it works. */
  show(text: string): void {
    this.#at.status.busy(this, { text });
  }

  /** Progress on the node's progress output, and in its status with the text of the phase. */
  report(percent: number, facts: ProgressFacts, values: WordValues = {}): void {
    const reached = this.#progress?.report(percent, facts) ?? 0;
    this.#at.status.busy(this, {
      text: this.words.own(facts.phase, { percent: reached, ...values }),
      percent: reached,
    });
  }

  /** The last progress message; none of a job that failed before it began. */
  lastProgress(failure?: "failed" | "aborted"): void {
    this.#progress?.last(failure);
  }

  /** No progress from here on. */
  hush(): void {
    this.#progress?.stop();
  }
}
