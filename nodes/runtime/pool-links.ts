/** What each kind of link takes of a pool's settings. */
import { createPool, FlowChannel, TRANSPORTS, type PoolOptions, type Scheme, type SessionPool } from "../../src/index";
import type { PoolSettings } from "./pool-settings";
import { virtualFleet } from "./virtual-fleet";

/** What links need beside settings. */
export interface Surroundings {
  readonly poolId: string;
  /** Of a pool whose link is the flow. */
  readonly channel: FlowChannel | undefined;
}

type Make = (at: Surroundings, settings: PoolSettings, options: PoolOptions) => SessionPool;

/** From the advertisement to the subscription, with the attempts that the transport makes. */
const BLE_CONNECT_MS = 25_000;

const MAKERS: Readonly<Record<Scheme, Make>> = {
  virtual: ({ poolId }, { devices, hardware }, options) =>
    createPool(TRANSPORTS.virtual(virtualFleet(poolId, devices, hardware)), options),
  ble: (_, { ble }, options) =>
    createPool(TRANSPORTS.ble(ble), { ...options, openTimeoutMs: ble.scanMs + BLE_CONNECT_MS }),
  serial: (_, { serial }, options) => createPool(TRANSPORTS.serial(serial), options),
  udp: (_, { udp }, options) => createPool(TRANSPORTS.udp(udp), options),
  flow: ({ channel = new FlowChannel() }, _, options) => createPool(TRANSPORTS.flow(channel), options),
};

/** @throws SMP_BAD_SETTING when a setting does not suit what it is for */
export function makePool(at: Surroundings, settings: PoolSettings): SessionPool {
  const { maxSessions, idleCloseMs, maxWaiting, protocol, attempts } = settings;
  return MAKERS[settings.link](at, settings, {
    maxSessions,
    idleCloseMs,
    maxWaiting,
    session: { protocol, attempts },
  });
}
