import type { NodeStatus } from "node-red";
import type { SmpError } from "../../src/index";
import { Throttle } from "./throttle";
import type { Words } from "./words";

/** More often than people read, and rare enough for an editor with many nodes. */
const STATUS_INTERVAL_MS = 250;

/** Longer texts cover the node's neighbours in the editor. */
const MAX_TEXT_LENGTH = 20;

export interface Activity {
  readonly text: string;
  /** How far it is, when that is known. */
  readonly percent?: number;
}

/** The one line below a node, for all that the node does at the same time. Work that runs wins over everything else. */
export class StatusLine {
  readonly #words: Words;
  readonly #throttle: Throttle<NodeStatus>;
  readonly #activities = new Map<object, Activity>();
  #ended = { well: 0, badly: 0 };
  #rest: NodeStatus | undefined;
  #shown = "";

  constructor(words: Words, show: (status: NodeStatus) => void) {
    this.#words = words;
    this.#throttle = new Throttle(STATUS_INTERVAL_MS, (status) => {
      const text = JSON.stringify(status);
      if (text !== this.#shown) show(status);
      this.#shown = text;
    });
  }

  /** @param job whose activity it is; one at a time */
  busy(job: object, activity: Activity): void {
    if (this.#activities.size === 0) this.#ended = { well: 0, badly: 0 };
    this.#activities.set(job, activity);
    this.#throttle.push(this.#current());
  }

  /** @param status what is left to see; undefined: the state of rest */
  end(job: object, outcome: "well" | "badly", status: NodeStatus | undefined): void {
    this.#ended[outcome] += 1;
    this.#leave(job, status);
  }

  /** Ends without a trace: the message was only taken up. */
  forget(job: object): void {
    this.#leave(job, {});
  }

  /** What is shown while nothing runs, e.g. the state of the link. */
  rest(status: NodeStatus): void {
    this.#rest = status;
    if (this.#activities.size === 0) this.#throttle.push(status);
  }

  /** What is shown while nothing runs, because nothing can. */
  fault({ code }: SmpError): void {
    this.rest({ fill: "red", shape: "ring", text: this.#words.shared(`error.${code}`) });
  }

  /** Nothing is shown any more. */
  stop(): void {
    this.#throttle.stop();
  }

  #leave(job: object, status: NodeStatus | undefined): void {
    this.#activities.delete(job);
    if (this.#activities.size > 0) this.#throttle.push(this.#current());
    else this.#throttle.now(short(this.#summary(status) ?? status ?? this.#rest ?? {}));
  }

  #current(): NodeStatus {
    const all = [...this.#activities.values()];
    return short({ fill: "blue", shape: "dot", text: all.length === 1 ? all[0]!.text : this.#several(all) });
  }

  #several(all: readonly Activity[]): string {
    const devices = all.length;
    if (all.every(({ percent }) => percent === undefined)) return this.#words.shared("devices", { devices });
    const sum = all.reduce((total, { percent = 0 }) => total + percent, 0);
    return this.#words.shared("devices-percent", { devices, percent: Math.floor(sum / devices) });
  }

  /** Of work that ran side by side or overlapped; one alone has its own words. */
  #summary(last: NodeStatus | undefined): NodeStatus | undefined {
    const { well, badly } = this.#ended;
    if (well + badly < 2) return undefined;
    if (badly > 0) {
      return { fill: "red", shape: "ring", text: this.#words.shared("some-failed", { badly, all: well + badly }) };
    }
    return last && { fill: "green", shape: "dot", text: this.#words.shared("all-done", { well }) };
  }
}

function short(status: NodeStatus): NodeStatus {
  if (status.text === undefined || status.text.length <= MAX_TEXT_LENGTH) return status;
  return { ...status, text: `${status.text.slice(0, MAX_TEXT_LENGTH - 1)}…` };
}
