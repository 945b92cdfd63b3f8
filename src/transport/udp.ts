/**
 * Links to devices on an IP network, as Zephyr's SMP UDP transport has them (subsys/mgmt/mcumgr/transport/src/smp_udp.c): one
 * frame per datagram. An open link proves nothing: whether a device is there is found out by asking it.
 */
import { throwIfAborted } from "../clock";
import { SmpError } from "../errors";
import type { Link, Transport } from "./transport";
import { formatUdpAddress, parseUdpAddress, type UdpAddress } from "./udp-address";
import { connectSocket, explainSocketError, UdpLink } from "./udp-link";
import { resolveHost, systemLookup, type Lookup } from "./udp-resolve";

/** What all devices on an IP network have in common. */
export interface UdpOptions {
  /** Port of addresses without one, 1337. */
  readonly port?: number | undefined;
  /** Largest frame, for networks that carry less than Ethernet (Thread, some Wi-Fi: 1024). */
  readonly maxDatagramBytes?: number | undefined;
  /** In place of the system's, for tests. */
  readonly lookup?: Lookup | undefined;
}

/** CONFIG_MCUMGR_TRANSPORT_UDP_PORT */
export const UDP_PORT = 1337;

/** 1500 bytes of Ethernet without the headers of IP and UDP: a longer datagram is cut into pieces on its way. */
const MAX_IPV4_BYTES = 1472;
const MAX_IPV6_BYTES = 1452;

/** Addresses are `host`, `host:port` or `[IPv6]:port`, as text. */
export function udpTransport(options: UdpOptions = {}): Transport<UdpAddress> {
  return {
    scheme: "udp",
    parse: (address) => parseUdpAddress(address, options.port ?? UDP_PORT),
    key: formatUdpAddress,
    open: (address, signal) => open(address, options, signal),
  };
}

/** To the first of the host's addresses that this host has a route to. */
async function open(address: UdpAddress, options: UdpOptions, signal: AbortSignal): Promise<Link> {
  throwIfAborted(signal);
  const label = `udp:${formatUdpAddress(address)}`;
  let failure: unknown;
  for (const ip of await resolveHost(address.host, options.lookup ?? systemLookup, signal)) {
    try {
      const socket = await connectSocket({ ...ip, port: address.port });
      const link = new UdpLink(label, socket, maxFrameBytes(ip.family, options));
      if (signal.aborted) await link.close();
      throwIfAborted(signal);
      return link;
    } catch (cause) {
      throwIfAborted(signal);
      failure = cause;
    }
  }
  const { what, hint } = explainSocketError(failure);
  throw new SmpError("SMP_LINK_OPEN", `${label} does not open: ${what}`, { hint, cause: failure });
}

function maxFrameBytes(family: number, { maxDatagramBytes }: UdpOptions): number {
  return Math.min(family === 6 ? MAX_IPV6_BYTES : MAX_IPV4_BYTES, maxDatagramBytes ?? Infinity);
}
