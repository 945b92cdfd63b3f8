/** Looks for devices over a pool's link: a message for each that is found, and at the end one with all of them. */
import type { FoundDevice } from "../src/index";
import { optionalNumber, setting, wholeNumber } from "./runtime/checks";
import { MIN_SEARCH_S } from "./runtime/discovery";
import type { Job, Outcome } from "./runtime/job";
import { showMissingPool } from "./runtime/link-light";
import { runStep } from "./runtime/node";
import { findPool } from "./runtime/pool";
import type { FlowNode, NodeAPI, NodeDef } from "./runtime/red";

interface DiscoverConfig extends NodeDef {
  readonly pool?: string;
  readonly seconds?: unknown;
  /** Part of the name or the address; "" for any. */
  readonly match?: string;
  /** In dBm; "" for any. */
  readonly minRssi?: unknown;
  readonly smpOnly?: boolean;
}

const MAX_SEARCH_S = 300;
const RSSI_RANGE_DBM = [-127, 20] as const;
const TOLD = "the discover node";
const DEVICE_OUTPUT = 0;

export default function (RED: NodeAPI): void {
  RED.nodes.registerType("smp-discover", function (this: FlowNode, config: DiscoverConfig) {
    RED.nodes.createNode(this, config);
    const runner = runStep(RED, this, config, {
      name: "discover",
      errorOutput: 2,
      work: (job) => discover(job, config),
    });
    showMissingPool(runner, () => findPool(RED, config.pool, TOLD));
  });
}

async function discover(job: Job, config: DiscoverConfig): Promise<Outcome> {
  job.show(job.words.own("busy"));
  const pool = job.pool(TOLD);
  // What was learnt of one device is not to be used on another.
  job.msg.smp = {};
  const smp = { pool: pool.id, link: pool.link };
  let count = 0;
  const devices = await pool.discover({
    forMs: wholeNumber(setting("seconds"), config.seconds ?? MIN_SEARCH_S, [MIN_SEARCH_S, MAX_SEARCH_S]) * 1000,
    signal: job.signal,
    isWanted: filterOf(config),
    onFound: (found) => {
      job.sendAlong(DEVICE_OUTPUT, { payload: found, smp: { ...smp, device: found.device } });
      job.show(job.words.own("found", { count: ++count }));
    },
  });
  return { payload: devices, smp, output: 1, text: job.words.own("found", { count: devices.length }) };
}

/** What a link does not tell of its devices is no reason to leave them out. */
function filterOf({ match, minRssi, smpOnly }: DiscoverConfig): (found: FoundDevice) => boolean {
  const part = (match ?? "").trim().toLowerCase();
  const least = optionalNumber(setting("minRssi"), minRssi, RSSI_RANGE_DBM) ?? -Infinity;
  return ({ device, address, name = "", rssi = Infinity, smp }) =>
    [device, address, name].some((text) => text.toLowerCase().includes(part)) &&
    rssi >= least &&
    (smpOnly !== true || smp !== false);
}
