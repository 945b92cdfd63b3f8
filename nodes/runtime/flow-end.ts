/** What the nodes at the two ends of a flow have in common. */
import { SmpError, toSmpError, type FlowChannel, type FlowCounters } from "../../src/index";
import { findPool, joinPool, type PoolNode } from "./pool";
import type { FlowNode, NodeAPI } from "./red";
import { StatusLine } from "./status-line";
import { wordsOf, type Words } from "./words";

/** What a node shows of the counters, and whether it is to catch the eye. */
export interface Shown {
  readonly text: string;
  readonly isOdd: boolean;
}

/** Joins a node to its pool's flow until it closes, and shows below it what was counted. */
export class FlowEndNode {
  readonly words: Words;
  readonly #status: StatusLine;
  readonly #leave: (() => void)[] = [];
  #channel: FlowChannel | undefined;
  #fault: SmpError | undefined;

  constructor(RED: NodeAPI, node: FlowNode, poolId: unknown, told: string) {
    this.words = wordsOf(RED, node);
    this.#status = new StatusLine(this.words, (shown) => node.status(shown));
    this.setting(() => {
      const pool = findPool(RED, poolId, told);
      this.#channel = channelOf(pool, told);
      this.#leave.push(joinPool(pool, node));
    });
    node.on("close", () => {
      for (const leave of this.#leave) leave();
      this.#status.stop();
    });
  }

  /** Reads a setting; one that is wrong makes a node that takes no part and says why. */
  setting<T>(read: () => T): T | undefined {
    try {
      return read();
    } catch (thrown) {
      this.#fault ??= toSmpError(thrown);
      this.#status.fault(this.#fault);
      return undefined;
    }
  }

  /** @throws what is wrong with the node's settings, anew for each message */
  get channel(): FlowChannel {
    if (this.#channel && !this.#fault) return this.#channel;
    const { code, message, details, hint } = this.#fault!;
    throw new SmpError(code, message, { ...details, hint });
  }

  /** Takes part in the flow, if it can, until the node closes. @param join gives what ends it */
  takePart(join: (channel: FlowChannel) => () => void, show: (counters: FlowCounters, waiting: number) => Shown): void {
    if (this.#fault) return;
    const { channel } = this;
    const tell = (): void => {
      const { text, isOdd } = show(channel.counters, channel.waiting);
      this.#status.rest({ fill: isOdd ? "yellow" : "green", shape: isOdd ? "ring" : "dot", text });
    };
    tell();
    this.#leave.push(join(channel), channel.watch(tell));
  }
}

function channelOf({ channel, link }: PoolNode, told: string): FlowChannel {
  if (channel) return channel;
  throw new SmpError(
    "SMP_BAD_SETTING",
    `the pool of ${told} has the link ${link}; frames pass through a flow with the link flow only`,
    {
      field: "pool",
      hint: "Choose a pool whose link is flow, or change the pool's link.",
    },
  );
}
