/** The admin endpoint behind the Scan button: looks for devices with settings that may not be deployed yet. */
import { SmpError, toSmpError, type FlowChannel, type FoundDevice, type SmpErrorCode } from "../../src/index";
import { mismatch, wholeNumber } from "./checks";
import { MIN_SEARCH_S, search } from "./discovery";
import { readPoolSettings, type PoolConfig, type PoolSettings } from "./pool-settings";
import type { PoolNode } from "./pool";
import { recordOf, type NodeAPI } from "./red";

const MAX_SEARCH_S = 15;

const STATUS: Readonly<Partial<Record<SmpErrorCode, number>>> = {
  SMP_BAD_INPUT: 400,
  SMP_BAD_SETTING: 400,
  SMP_BUSY: 409,
  SMP_INTERNAL: 500,
};

/**
 * `POST smp-dfu/scan` with `{ settings, seconds?, pool? }`, the settings being those of the pool with the id `pool` as the editor holds them, answers
 * `{ devices: FoundDevice[] }`, or `{ code, message, hint }` with status 400 (wrong), 409 (one runs), 503 (nobody can look).
 * The search ends when the client goes away. To be called once, when the node's file is loaded.
 */
export function serveScan(RED: NodeAPI): void {
  RED.httpAdmin.post("/smp-dfu/scan", RED.auth.needsPermission("smp-dfu.write"), (request, response) => {
    const gone = new AbortController();
    response.on("close", () => gone.abort(new SmpError("SMP_ABORTED", "nobody waits for the devices any more")));
    void scan(RED, request.body, gone.signal).then(
      (devices) => response.json({ devices }),
      (thrown: unknown) => {
        const { code, message, hint } = toSmpError(thrown);
        response.status(STATUS[code] ?? 503).json({ code, message, hint });
      },
    );
  });
}

async function scan(RED: NodeAPI, body: unknown, signal: AbortSignal): Promise<FoundDevice[]> {
  const { settings: given, seconds = MIN_SEARCH_S, pool } = recordOf(body);
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    throw mismatch({ name: "settings", code: "SMP_BAD_INPUT" }, "an object with the settings of a pool", given);
  }
  const forS = wholeNumber({ name: "seconds", code: "SMP_BAD_INPUT" }, seconds, [MIN_SEARCH_S, MAX_SEARCH_S]);
  const settings = readPoolSettings(withEnvironment(given));
  return search(`editor ${placeOf(settings)}`, settings, { forMs: forS * 1000, signal }, channelOf(RED, pool));
}

/** What a deployed pool has been told of devices behind its flow. */
function channelOf(RED: NodeAPI, pool: unknown): FlowChannel | undefined {
  const node = typeof pool === "string" ? (RED.nodes.getNode(pool) as PoolNode | null | undefined) : undefined;
  return node?.type === "smp-pool" ? node.channel : undefined;
}

/** Editors that look through the same adapter take turns. */
function placeOf({ link, ble }: PoolSettings): string {
  return link === "ble" ? `ble ${ble.adapter ?? "first"}` : link;
}

/** Node-RED does the same with a node's settings when it is deployed. A variable that does not exist stays as it is. */
function withEnvironment(settings: object): PoolConfig {
  const entries = Object.entries(settings).map(([name, value]: [string, unknown]) => {
    const variable = typeof value === "string" ? /^\$\{([^}]+)\}$/.exec(value)?.[1] : undefined;
    return [name, variable === undefined ? value : (process.env[variable] ?? value)];
  });
  return Object.fromEntries(entries) as PoolConfig;
}
