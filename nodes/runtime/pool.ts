/** The pool node: one session pool for all nodes that name it. */
import type { Node } from "node-red";
import {
  realPathWithin,
  FlowChannel,
  SmpError,
  toSmpError,
  type DiscoverOptions,
  type FoundDevice,
  type SessionPool,
} from "../../src/index";
import { mismatch } from "./checks";
import { folderLimits, NO_DEMANDS, type Demands } from "./demands";
import { search } from "./discovery";
import { poolJobs, type PoolJobs } from "./job-records";
import { makePool } from "./pool-links";
import { beginTrace } from "./pool-trace";
import { readPoolSettings, type PoolConfig, type PoolSettings } from "./pool-settings";
import { recordOf, type FlowMessage, type FlowNode, type NodeAPI } from "./red";
import { isSampleName } from "./sample";
import { removeFleet } from "./virtual-fleet";

export interface PoolNode extends Node {
  readonly link: PoolSettings["link"];
  /** Nodes that use it, by id: Node-RED leads what a pool reports to the Catch and Status nodes of their flows. */
  readonly users: Record<string, FlowNode>;
  /** What is wrong with its settings. */
  readonly fault: SmpError | undefined;
  readonly demands: Demands;
  /** Updates that were begun and not ended, also before a restart. */
  readonly jobs: PoolJobs;
  /** Where the frames nodes join in, of a pool whose link is the flow. */
  readonly channel: FlowChannel | undefined;
  /** Made with the first use. @throws the fault, as SMP_BAD_SETTING */
  sessions(): SessionPool;
  /** One search at a time. @throws the fault, as SMP_BAD_SETTING; as {@link search} */
  discover(options: DiscoverOptions): Promise<FoundDevice[]>;
}

/** Turns a new config node into a pool; a wrong setting makes a pool that refuses its users, never a crash. */
export function becomePool(RED: NodeAPI, node: Node, config: PoolConfig): void {
  const { settings, fault } = tryToRead(config);
  const channel = settings?.link === "flow" ? new FlowChannel(settings.flow) : undefined;
  const jobs = poolJobs(RED, node.id, (text) => node.warn(text));
  let pool: SessionPool | undefined;
  let endTrace: (() => Promise<void>) | undefined;
  Object.assign(node, {
    link: settings?.link ?? "virtual",
    users: {},
    fault,
    channel,
    jobs,
    demands: settings?.demands ?? NO_DEMANDS,
    sessions: () => {
      if (fault) throw badPool(node, fault);
      if (pool) return pool;
      pool = openPool({ RED, node, channel }, settings);
      endTrace = beginTrace(RED, node, pool, settings.trace);
      return pool;
    },
    discover: async (options) => {
      if (fault) throw badPool(node, fault);
      return search(`pool ${node.id}`, settings, options, channel);
    },
  } satisfies Omit<PoolNode, keyof Node>);
  if (fault) node.error(fault.message);
  node.on("close", (removed: boolean, done: () => void) => {
    if (removed) removeFleet(node.id);
    void Promise.resolve(pool?.close())
      .then(() => Promise.all([endTrace?.(), jobs.written()]))
      .finally(done);
  });
}

type ReadSettings = { settings: PoolSettings; fault?: undefined } | { settings?: undefined; fault: SmpError };

function tryToRead(config: PoolConfig): ReadSettings {
  try {
    return { settings: readPoolSettings(config) };
  } catch (thrown) {
    return { fault: toSmpError(thrown) };
  }
}

interface PoolParts {
  readonly RED: NodeAPI;
  readonly node: Node;
  readonly channel: FlowChannel | undefined;
}

function openPool({ RED, node, channel }: PoolParts, settings: PoolSettings): SessionPool {
  const { factoryFirmware } = settings.hardware;
  try {
    if (factoryFirmware !== "" && !isSampleName(factoryFirmware)) {
      realPathWithin(factoryFirmware, "factoryFirmware", folderLimits(RED, settings.demands.folders));
    }
    return makePool({ poolId: node.id, channel }, settings);
  } catch (thrown) {
    throw badPool(node, toSmpError(thrown));
  }
}

/** Made anew for each user, who adds own facts to it. */
function badPool(node: Node, { message, hint, details }: SmpError): SmpError {
  return new SmpError("SMP_BAD_SETTING", `the pool ${nameOf(node)} cannot be used: ${message}`, { ...details, hint });
}

/** Makes a node one of the pool's users. @returns ends that */
export function joinPool({ users }: PoolNode, node: FlowNode): () => void {
  users[node.id] = node;
  return () => {
    if (users[node.id] === node) delete users[node.id];
  };
}

/**
 * The pool with an id.
 * @param told how the id came here, for the message
 * @throws SMP_NO_POOL when there is none, SMP_BAD_SETTING when it has a fault
 */
export function findPool(RED: NodeAPI, id: unknown, told: string): PoolNode {
  if (typeof id !== "string" || id === "") throw new SmpError("SMP_NO_POOL", `no SMP pool is chosen in ${told}`);
  const node = RED.nodes.getNode(id) as Node | null | undefined;
  if (node?.type !== "smp-pool") throw new SmpError("SMP_NO_POOL", `${told} names ${id}, ${whatIs(RED, id, node)}`);
  const pool = node as PoolNode;
  if (pool.fault) throw badPool(pool, pool.fault);
  return pool;
}

/** Pool and device that a message was sent to by a connect node. */
export interface Target {
  readonly pool: PoolNode;
  readonly device: string;
}

/** @throws SMP_NO_SESSION when the message did not pass a connect node; as {@link findPool}; SMP_UNKNOWN_DEVICE, SMP_BAD_INPUT */
export function targetOf(RED: NodeAPI, msg: FlowMessage): Target {
  const { pool: id, device } = recordOf(msg.smp);
  if (typeof msg.smp !== "object" || msg.smp === null || id === undefined) {
    const field = `msg.smp${msg.smp ? ".pool" : ""}`;
    throw new SmpError("SMP_NO_SESSION", `the message has no session: ${field} is missing`, { field });
  }
  const pool = findPool(RED, id, "msg.smp.pool");
  const field = "msg.smp.device";
  if (device === undefined || device === null || device === "") {
    throw new SmpError("SMP_NO_SESSION", `the message names no device: ${field} is missing`, { field });
  }
  if (typeof device !== "string")
    throw mismatch({ name: field, code: "SMP_BAD_INPUT" }, "the name of one device", device);
  pool.sessions().key(device);
  return { pool, device };
}

function whatIs(RED: NodeAPI, id: string, node: Node | null | undefined): string {
  if (node) return `which is no SMP pool but a node of type ${node.type}`;
  let told = "but there is no SMP pool with this id";
  RED.nodes.eachNode((config) => {
    if (config.id === id) told = `a node of type ${config.type} that is disabled or did not start`;
  });
  return told;
}

function nameOf(node: Node): string {
  return node.name ? `"${node.name}"` : node.id;
}
