/**
 * The one adapter between asynchronous work and Node-RED.
 *
 *     input ─► Job ─► step.work ─┬─► result   ─► output, done()
 *                                └─► error    ─► error output + done(), or done(error)
 *     close ─► every job aborted with SMP_CLOSED; from then on nothing is sent, shown or done
 *
 * `done` is called exactly once for each message, with one exception: not after the close. By then the runtime
 * leads what an old node says into the new flow, where a Complete or Catch node would take it for its own.
 */
import { SmpError, toSmpError, withDeadline } from "../../src/index";
import { mismatch } from "./checks";
import { catchableError, catchShape, forgetFailure, markFailed } from "./failure";
import { Job, type Outcome, type Step, type Surroundings } from "./job";
import { joinPool, type PoolNode } from "./pool";
import { recordOf, type Done, type FlowMessage, type FlowNode, type NodeAPI, type NodeMessage, type Send } from "./red";
import { StatusLine } from "./status-line";
import { wordsOf, type Words } from "./words";

/** A deploy waits for its nodes; work that does not end by then is left behind. */
const CLOSE_MS = 3000;

interface Replies {
  readonly send: Send;
  readonly done: Done;
}

/** Makes a new node do `step` for each message. */
export function runStep(RED: NodeAPI, node: FlowNode, config: object, step: Step): Runner {
  const runner = new Runner(RED, node, config, step);
  node.on("input", (msg, send, done) => runner.receive(msg, { send, done }));
  node.on("close", (_removed: boolean, done: () => void) => void runner.close().finally(done));
  return runner;
}

export class Runner {
  readonly words: Words;
  readonly status: StatusLine;
  readonly #at: Surroundings;
  readonly #jobs = new Map<Job, Promise<void>>();
  readonly #leavePool = new Map<PoolNode, () => void>();
  #closed = false;

  constructor(RED: NodeAPI, node: FlowNode, config: object, step: Step) {
    const words = (this.words = wordsOf(RED, node));
    const status = (this.status = new StatusLine(words, (shown) => {
      if (!this.#closed) node.status(shown);
    }));
    const join = (pool: PoolNode): void => this.join(pool);
    const sendAlong = (output: number, message: NodeMessage): void => {
      if (!this.#closed) node.send(outputs(output, message));
    };
    this.#at = { RED, node, config, words, status, step, join, sendAlong };
    // The editor still shows what the node before the deploy said.
    status.rest({});
  }

  /** Makes the node a user of the pool until it is closed. */
  join(pool: PoolNode): void {
    this.#leavePool.set(pool, joinPool(pool, this.#at.node));
  }

  receive(msg: FlowMessage, replies: Replies): void {
    if (this.#closed) return;
    if (msg.action === "abort" && this.#at.step.actions?.includes("abort") !== true) {
      this.#abort(msg);
      return replies.done();
    }
    const job = new Job(msg, this.#at);
    const settled = this.#run(job, replies).finally(() => this.#jobs.delete(job));
    this.#jobs.set(job, settled);
  }

  async close(): Promise<void> {
    this.#closed = true;
    const running = [...this.#jobs.values()];
    for (const job of this.#jobs.keys()) job.abort(closedError(this.#at.step.name, job.device));
    this.status.stop();
    for (const leave of this.#leavePool.values()) leave();
    await withDeadline("the end of a node's work", CLOSE_MS, undefined, () => Promise.all(running)).catch(
      () => undefined,
    );
  }

  async #run(job: Job, replies: Replies): Promise<void> {
    const ending = await this.#work(job);
    if (this.#closed) job.hush();
    else ending(replies);
  }

  async #work(job: Job): Promise<(replies: Replies) => void> {
    const { step } = this.#at;
    try {
      checkAction(job.msg, step);
      const outcome = await step.work(job);
      return (replies) => (outcome ? this.#succeed(job, outcome, replies) : this.#takeUp(job, replies));
    } catch (thrown) {
      return (replies) => this.#fail(job, toSmpError(thrown), replies);
    }
  }

  #succeed(job: Job, { payload, smp, output = 0, text, mixed }: Outcome, { send, done }: Replies): void {
    const { msg } = job;
    forgetFailure(msg);
    const context: { unfinished?: unknown } = { ...recordOf(msg.smp), ...smp };
    // Mostly there is none, and a message is no place for what is not there.
    if (context.unfinished === undefined) delete context.unfinished;
    Object.assign(msg, { payload, smp: context });
    job.lastProgress();
    const look = mixed ? ({ fill: "yellow", shape: "ring" } as const) : ({ fill: "green", shape: "dot" } as const);
    this.status.end(job, "well", text === undefined ? undefined : { ...look, text });
    send(outputs(output, msg));
    done();
  }

  #takeUp(job: Job, { done }: Replies): void {
    job.hush();
    this.status.forget(job);
    done();
  }

  #fail(job: Job, error: SmpError, { send, done }: Replies): void {
    const { node, words, step } = this.#at;
    markFailed(job.msg, error, { phase: step.name, device: job.device });
    job.lastProgress(error.code === "SMP_ABORTED" ? "aborted" : "failed");
    this.status.end(job, "badly", { fill: "red", shape: "ring", text: words.shared(`error.${error.code}`) });
    if (!node.wires[step.errorOutput]?.length) return done(catchableError(error));
    send(outputs(step.errorOutput, Object.assign(job.msg, { error: catchShape(error, node) })));
    done();
  }

  /** Stops what runs for the device that the control message names, or everything. */
  #abort(msg: FlowMessage): void {
    const { device } = recordOf(msg.smp);
    for (const job of this.#jobs.keys()) {
      if (device === undefined || device === job.device) job.abort(abortedError(this.#at.step.name, job.device));
    }
  }
}

function outputs<T>(index: number, message: T): (T | null)[] {
  return Array.from({ length: index + 1 }, (_, at) => (at === index ? message : null));
}

function checkAction({ action }: FlowMessage, { actions = [] }: Step): void {
  if (action === undefined || action === null || action === "") return;
  if (typeof action === "string" && actions.includes(action)) return;
  const known = [...new Set(["abort", ...actions])].map((each) => JSON.stringify(each)).join(" or ");
  throw mismatch({ name: "msg.action", code: "SMP_BAD_INPUT" }, `${known}, or absent`, action);
}

function abortedError(name: string, device: string | undefined): SmpError {
  return new SmpError("SMP_ABORTED", `${name} ${on(device)} was stopped by msg.action "abort"`);
}

function closedError(name: string, device: string | undefined): SmpError {
  return new SmpError("SMP_CLOSED", `${name} ${on(device)} was stopped: its node was closed by a deploy`);
}

function on(device: string | undefined): string {
  return device === undefined ? "of a message" : `on ${device}`;
}
