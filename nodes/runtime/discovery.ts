/** Looking for the devices of a pool, whether its settings are deployed or not. */
import {
  discoverDevices,
  FlowChannel,
  SmpError,
  TRANSPORTS,
  type DiscoverOptions,
  type Discovery,
  type FoundDevice,
  type Scheme,
} from "../../src/index";
import type { PoolSettings } from "./pool-settings";

/** The least that tells an adapter that is off, which shows after 4 s, from one that hears nothing. */
export const MIN_SEARCH_S = 5;

type Find = (settings: PoolSettings, channel: FlowChannel | undefined) => Discovery;

const DISCOVERIES: Readonly<Record<Scheme, Find>> = {
  virtual: ({ devices }) => TRANSPORTS.virtual({ find: () => undefined, names: () => devices.map(({ name }) => name) }),
  ble: ({ ble }) => TRANSPORTS.ble(ble),
  serial: ({ serial }) => TRANSPORTS.serial(serial),
  udp: ({ udp }) => TRANSPORTS.udp(udp),
  // Who is behind a flow has been told to a pool that is deployed.
  flow: (_, channel = new FlowChannel()) => TRANSPORTS.flow(channel),
};

/** Who is looking right now. */
const searching = new Set<string>();

/**
 * @param who looks; one search at a time for each
 * @param channel of a pool whose link is the flow
 * @throws SMP_BUSY while the same one looks already; as {@link discoverDevices}
 */
export async function search(
  who: string,
  settings: PoolSettings,
  options: DiscoverOptions,
  channel?: FlowChannel,
): Promise<FoundDevice[]> {
  if (searching.has(who)) {
    throw new SmpError("SMP_BUSY", "devices are being looked for already", {
      hint: "Wait until the running search has ended, or stop it.",
    });
  }
  searching.add(who);
  try {
    return await discoverDevices(DISCOVERIES[settings.link](settings, channel), options);
  } finally {
    searching.delete(who);
  }
}
