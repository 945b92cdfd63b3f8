/** Every frame that the sessions of a pool send and receive, as a message for people and programs. */
import { nowMs, toSmpError, type SmpTraceMessage, type TraceRecord } from "../src/index";
import { setting, wholeNumber } from "./runtime/checks";
import { findPool, joinPool, type PoolNode } from "./runtime/pool";
import type { FlowNode, NodeAPI, NodeDef, NodeMessage } from "./runtime/red";
import { StatusLine } from "./runtime/status-line";
import { wordsOf, type Words } from "./runtime/words";

interface TraceConfig extends NodeDef {
  readonly pool?: string;
  /** As the connect node is told it; "" for all. */
  readonly device?: string;
  /** With firmware bytes and secrets. */
  readonly whole?: boolean;
  /** Messages per second; what comes beyond is counted. */
  readonly maxPerSecond?: unknown;
}

export default function (RED: NodeAPI): void {
  RED.nodes.registerType("smp-trace", function (this: FlowNode, config: TraceConfig) {
    RED.nodes.createNode(this, config);
    const words = wordsOf(RED, this);
    const status = new StatusLine(words, (shown) => this.status(shown));
    this.on("close", () => status.stop());
    try {
      const pool = findPool(RED, config.pool, "the smp-trace node");
      this.on("close", follow(pool, { node: this, config, words, status }));
    } catch (thrown) {
      const error = toSmpError(thrown);
      status.fault(error);
      this.error(error.message);
    }
  });
}

interface Surroundings {
  readonly node: FlowNode;
  readonly config: TraceConfig;
  readonly words: Words;
  readonly status: StatusLine;
}

/** @returns ends it @throws SMP_BAD_SETTING, and for a device what the pool says of its address */
function follow(pool: PoolNode, { node, config, words, status }: Surroundings): () => void {
  const rate = new Rate(wholeNumber(setting("maxPerSecond"), config.maxPerSecond ?? 100, [1, 10_000]));
  const device = (config.device ?? "").trim();
  const sessions = pool.sessions();
  const key = device === "" ? undefined : sessions.key(device);
  let records = 0;
  const show = (): void => {
    const isOdd = rate.dropped > 0;
    const text = words.own(isOdd ? "dropped" : "records", { records, dropped: rate.dropped });
    status.rest({ fill: isOdd ? "yellow" : "green", shape: isOdd ? "ring" : "dot", text });
  };
  const take = (record: TraceRecord): void => {
    if (key !== undefined && record.device !== key) return;
    if (rate.allows()) {
      records++;
      node.send(messageOf(record, pool, rate.takeMissed()));
    }
    show();
  };
  show();
  const leave = joinPool(pool, node);
  const stop = sessions.trace({ frames: config.whole === true ? "whole" : "described", take });
  return () => {
    stop();
    leave();
  };
}

function messageOf(record: TraceRecord, pool: PoolNode, missed: number): SmpTraceMessage & NodeMessage {
  const { device } = record;
  const smp = { pool: pool.id, device, link: pool.link, ...(missed > 0 && { missed }) };
  return { topic: device, payload: record, smp };
}

/** So many per second, and a count of what was too much. */
class Rate {
  dropped = 0;
  readonly #perSecond: number;
  #missed = 0;
  #second = -Infinity;
  #left = 0;

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  allows(): boolean {
    if (nowMs() - this.#second >= 1000) {
      this.#second = nowMs();
      this.#left = this.#perSecond;
    }
    if (this.#left-- > 0) return true;
    this.dropped++;
    this.#missed++;
    return false;
  }

  /** How many were dropped since it was asked last. */
  takeMissed(): number {
    const missed = this.#missed;
    this.#missed = 0;
    return missed;
  }
}
