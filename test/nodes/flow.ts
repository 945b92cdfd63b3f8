/** A running flow for the specs of the nodes: put messages in, await what comes out of its probes. */
import assert from "node:assert/strict";
import helper from "node-red-node-test-helper";
import type { Node, NodeAPI, NodeDef } from "node-red";
import { packageDir, runtimeEvents, runtimePath, type FlowNode, type NodeModule } from "../node-red";
import { join } from "node:path";
import { removeFleet } from "../../nodes/runtime/virtual-fleet";
import { missingTexts, texts } from "./locale";

helper.init(runtimePath);

/** A message as the specs look at it: with everything that can be in one. */
// oxlint-disable-next-line typescript/no-explicit-any -- what a spec looks for in a message is what it asserts
export type Msg = Record<string, any> & { smp?: any; error?: any };

const TYPES = [
  "pool",
  "discover",
  "connect",
  "image-state",
  "update",
  "upload",
  "test",
  "reset",
  "confirm",
  "gateway",
  "frames-out",
  "frames-in",
  "trace",
  "request",
].map((name) => `smp-${name}`);
const OUT_WITHIN_MS = 15_000;

export const tab: FlowNode = { id: "tab", type: "tab", label: "Tab" };

/** A node on the tab. Without a place there Node-RED would take it for a config node. */
export function node(id: string, type: string, properties: object = {}, wires: string[][] = []): FlowNode {
  return { id, type, z: "tab", x: 100, y: 100, name: id, wires, ...properties };
}

/** What comes to it can be awaited by {@link RunningFlow.next}. */
export function probe(id: string): FlowNode {
  return node(id, "probe");
}

/** A pool of devices that take no time, for the specs do not wait for flash. */
export function pool(properties: object = {}): FlowNode {
  return { id: "pool", type: "smp-pool", name: "bench", pace: "instant", ...properties };
}

/** Everything that one of the nodes needs around it: a probe on each output, Catch, Complete and Status. */
export function surrounded(id: string, type: string, properties: object = {}): FlowNode[] {
  const ends = OUTPUTS[type]!.map((output) => `${id} ${output}`);
  return [
    node(
      id,
      type,
      properties,
      ends.map((end) => [end]),
    ),
    ...ends.map(probe),
  ];
}

/** Catch, Complete and Status nodes for `ids`, each with a probe. */
export function watchers(...ids: string[]): FlowNode[] {
  return [
    node("catch", "catch", { scope: ids }, [["caught"]]),
    node("complete", "complete", { scope: ids }, [["completed"]]),
    node("status", "status", { scope: ids }, [["statuses"]]),
    ...["caught", "completed", "statuses"].map(probe),
  ];
}

const OUTPUTS: Readonly<Record<string, readonly string[]>> = {
  "smp-discover": ["device", "all", "error"],
  "smp-connect": ["result", "error"],
  "smp-image-state": ["result", "up to date", "error"],
  "smp-update": ["result", "progress", "gate", "error"],
  "smp-upload": ["result", "progress", "error"],
  "smp-test": ["result", "error"],
  "smp-reset": ["result", "progress", "error"],
  "smp-confirm": ["result", "error"],
  "smp-request": ["result", "error"],
  "smp-gateway": ["response", "presence", "error"],
};

export class RunningFlow {
  /** By id of the probe, first come first. */
  readonly #got = new Map<string, Msg[]>();
  readonly #taken = new Map<string, number>();
  /** Each text that stood under a node. */
  readonly statuses: { id: string; text: string; fill?: string }[] = [];
  readonly #waiting = new Set<() => void>();

  static async load(flow: FlowNode[], ...extra: NodeModule[]): Promise<RunningFlow> {
    const running = new RunningFlow();
    runtimeEvents.on("node-status", running.#onStatus);
    await helper.load([...TYPES.map(moduleOf), probeModule(running), ...extra], flow);
    return running;
  }

  /** Deploys another version of the flow. */
  async deploy(flow: FlowNode[], type: "full" | "flows" | "nodes" = "full"): Promise<void> {
    await helper.setFlows(flow, type);
  }

  put(id: string, msg: Msg): void {
    helper.getNode(id).receive(msg);
  }

  /** The next message that a probe gets and that nobody has awaited yet. */
  async next(id: string): Promise<Msg> {
    const index = this.#taken.get(id) ?? 0;
    this.#taken.set(id, index + 1);
    await this.until(`message ${index + 1} at "${id}"`, () => this.all(id).length > index);
    return this.all(id)[index]!;
  }

  /** Puts a message in and awaits the next at a probe. */
  ask(id: string, msg: Msg, at = `${id} result`): Promise<Msg> {
    this.put(id, msg);
    return this.next(at);
  }

  all(id: string): Msg[] {
    return this.#got.get(id) ?? [];
  }

  /** How many messages each probe has got so far. */
  counts(): Record<string, number> {
    return Object.fromEntries([...this.#got].map(([id, messages]) => [id, messages.length]));
  }

  texts(id: string): string[] {
    return this.statuses.filter((entry) => entry.id === id && entry.text !== "").map(({ text }) => text);
  }

  async until(what: string, reached: () => boolean): Promise<void> {
    const deadline = Date.now() + OUT_WITHIN_MS;
    while (!reached()) {
      if (Date.now() >= deadline) throw new Error(`${what} did not come; ${this.#story()}`);
      await this.#change();
    }
  }

  async end(): Promise<void> {
    runtimeEvents.off("node-status", this.#onStatus);
    await helper.unload();
    // Devices outlive a stop; the next spec wants new ones.
    removeFleet("pool");
    assert.deepEqual(missingTexts.splice(0), [], "every text is in the locale files");
    const long = this.statuses.filter(({ text }) => text.length > 20);
    assert.deepEqual(long, [], "status texts are short");
  }

  take(id: string, msg: Msg): void {
    this.#got.set(id, [...this.all(id), msg]);
    this.#changed();
  }

  #onStatus = ({ id, status }: { id: string; status?: { text?: string; fill?: string } }): void => {
    this.statuses.push({ id, text: status?.text ?? "", ...(status?.fill && { fill: status.fill }) });
    this.#changed();
  };

  #changed(): void {
    this.#waiting.forEach((goOn) => goOn());
    this.#waiting.clear();
  }

  /** Something came, or a little time has passed: not all that is awaited tells of itself. */
  #change(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, 20);
      this.#waiting.add(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #story(): string {
    const errors = [...this.#got.values()].flat().flatMap((msg) => (msg.error ? [msg.error.message] : []));
    return JSON.stringify({ counts: this.counts(), errors, statuses: this.statuses.map(({ text }) => text) });
  }
}

function moduleOf(type: string): NodeModule {
  const { default: start } = require(join(packageDir, "nodes", type)) as { default: NodeModule };
  return (RED) => start(Object.create(RED as object, { _: { value: texts(type) } }));
}

function probeModule(running: RunningFlow): NodeModule {
  return (api) => {
    const RED = api as NodeAPI;
    RED.nodes.registerType("probe", function (this: Node, config: NodeDef) {
      RED.nodes.createNode(this, config);
      this.on("input", (msg, _send, done) => {
        running.take(this.id, msg as Msg);
        done();
      });
    });
  };
}
