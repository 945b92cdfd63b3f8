/** From a host's name to the IP addresses under which it may be reached. */
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { throwIfAborted, withDeadline } from "../clock";
import { messageOf, SmpError } from "../errors";

export interface IpAddress {
  readonly address: string;
  readonly family: number;
}

/** All addresses of a name. @throws errors with the codes of getaddrinfo */
export type Lookup = (host: string) => Promise<readonly IpAddress[]>;

/** Two rounds of a resolver that asks the next server after 5 s. */
const RESOLVE_MS = 10_000;

export const systemLookup: Lookup = (host) => lookup(host, { all: true });

/**
 * IPv4 before IPv6: nothing tells which of them the server listens on, and Zephyr's listens on IPv4 wherever that is built in.
 * @throws SMP_LINK_OPEN when there is none, or the signal's reason
 */
export async function resolveHost(host: string, ask: Lookup, signal: AbortSignal): Promise<IpAddress[]> {
  const family = isIP(host);
  if (family !== 0) return [{ address: host, family }];
  try {
    const found = await withDeadline(`the address of "${host}"`, RESOLVE_MS, signal, () => ask(host));
    return found.toSorted((one, other) => one.family - other.family);
  } catch (cause) {
    throwIfAborted(signal);
    const { what, hint } = explain(cause);
    throw new SmpError("SMP_LINK_OPEN", `the host "${host}" was not found: ${what}`, { hint, cause });
  }
}

const CHECK_NAME =
  "Check the name, or use the device's IP address; names that end in .local need mDNS on the host of Node-RED.";

function explain(cause: unknown): { what: string; hint: string } {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  if (code === "ENOTFOUND") return { what: "no address is known for this name (ENOTFOUND)", hint: CHECK_NAME };
  if (code === "EAI_AGAIN") {
    return {
      what: "the name server does not answer (EAI_AGAIN)",
      hint: "Check the network and the name server of the host of Node-RED, or use the device's IP address.",
    };
  }
  return { what: messageOf(cause), hint: CHECK_NAME };
}
