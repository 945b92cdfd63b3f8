/** Runs a shipped example as it is, on Node-RED's own nodes and ours, and shows what a user sees of it. */
import helper from "node-red-node-test-helper";
import {
  coreNode,
  packageDir,
  readExample,
  runtimeEvents,
  runtimePath,
  type FlowNode,
  type NodeModule,
} from "./node-red";
import { join } from "node:path";

const SEEN_WITHIN_MS = 20_000;
const CORE = [
  "common/20-inject",
  "common/21-debug",
  "common/60-link",
  "common/90-comment",
  "function/10-switch",
  "function/15-change",
  "function/89-delay",
  "sequence/17-split",
];
let runs = 0;
const OURS = [
  "pool",
  "discover",
  "connect",
  "update",
  "image-state",
  "upload",
  "test",
  "reset",
  "confirm",
  "frames-out",
  "frames-in",
  "gateway",
  "request",
];

/** One entry of the debug sidebar. */
export interface Shown {
  /** Name of the debug node. */
  readonly by: string;
  readonly value: unknown;
}

interface DebugEntry {
  readonly name: string;
  readonly msg: string;
  readonly format: string;
}

export class ExampleRun {
  /** Everything that the debug sidebar has shown, first come first. */
  readonly shown: Shown[] = [];
  readonly #statuses: { by: string; text: string }[] = [];
  readonly #flow: readonly FlowNode[];
  #statusesBefore = 0;
  #changed = (): void => {};

  constructor(flow: readonly FlowNode[]) {
    this.#flow = flow;
    runtimeEvents.on("comms", this.#onComms);
    runtimeEvents.on("node-status", this.#onStatus);
  }

  /** Presses the button of that name. */
  press(name: string): void {
    const button = this.#flow.find((node) => node.type === "inject" && node.name === name);
    if (!button) throw new Error(`the example has no button "${name}"`);
    this.#statusesBefore = this.statuses("progress").length;
    helper.getNode(button.id).receive({});
  }

  /** Waits until the debug node of that name has shown `count` entries, and gives the last of them. */
  async see(by: string, count = 1): Promise<unknown> {
    await this.#until(`entry ${count} of "${by}"`, () => this.entries(by).length >= count);
    return this.entries(by)[count - 1];
  }

  /** All that the debug node of that name has shown. */
  entries(by: string): unknown[] {
    return this.shown.filter((entry) => entry.by === by).map(({ value }) => value);
  }

  /** All texts that have stood under the node of that name. */
  statuses(name: string): string[] {
    return this.#statuses.filter((entry) => entry.by === name).map(({ text }) => text);
  }

  /** Waits until a text under the node "progress" names a phase, after the press of a button. */
  async progress(phase: string): Promise<void> {
    const seen = (): string[] => this.statuses("progress").slice(this.#statusesBefore);
    await this.#until(`the phase ${phase}`, () => seen().some((text) => text.startsWith(phase)));
  }

  async end(): Promise<void> {
    runtimeEvents.off("comms", this.#onComms);
    runtimeEvents.off("node-status", this.#onStatus);
    await helper.unload();
  }

  #onComms = ({ topic, data }: { topic: string; data: DebugEntry }): void => {
    // Lines of the log come here as well; they have no name.
    if (topic === "debug" && data.name) this.shown.push({ by: data.name, value: valueOf(data) });
    this.#changed();
  };

  #onStatus = ({ id, status }: { id: string; status: { text?: string } }): void => {
    const by = this.#flow.find((node) => node.id === id)?.name ?? id;
    if (status.text) this.#statuses.push({ by, text: status.text });
    this.#changed();
  };

  async #until(what: string, reached: () => boolean): Promise<void> {
    const deadline = Date.now() + SEEN_WITHIN_MS;
    while (!reached()) {
      if (Date.now() >= deadline) throw new Error(`${what} is not there; shown: ${JSON.stringify(this.shown)}`);
      await this.#change(deadline - Date.now());
    }
  }

  #change(withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, withinMs);
      this.#changed = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

function valueOf({ format, msg }: DebugEntry): unknown {
  return /^(object|array|boolean|number)/i.test(format) ? (JSON.parse(msg) as unknown) : msg;
}

/** Virtual devices live as long as the process, under the id of their pool: another id gives new ones. */
function withFreshDevices(flow: readonly FlowNode[]): FlowNode[] {
  const run = ++runs;
  const pools = flow.filter(({ type }) => type === "smp-pool").map(({ id }) => id);
  const renamed = pools.reduce((text, id) => text.replaceAll(`"${id}"`, `"${id}-${run}"`), JSON.stringify(flow));
  return JSON.parse(renamed) as FlowNode[];
}

/** @param adapt changes the flow before it is deployed, e.g. its pool's settings */
export async function runExample(file: string, adapt: (node: FlowNode) => void = () => {}): Promise<ExampleRun> {
  const flow = withFreshDevices(readExample(file));
  flow.forEach(adapt);
  const ours = OURS.map(
    (name) => (require(join(packageDir, "nodes", `smp-${name}`)) as { default: NodeModule }).default,
  );
  helper.init(runtimePath);
  const run = new ExampleRun(flow);
  await helper.load([...CORE.map(coreNode), ...ours], flow);
  return run;
}
