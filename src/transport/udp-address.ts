/** How people write where a device listens: `host`, `host:port`, `[IPv6]:port`, or an IPv6 address alone. */
import { isIPv4, isIPv6, SocketAddress } from "node:net";
import { domainToASCII } from "node:url";
import { SmpError } from "../errors";

export interface UdpAddress {
  /** A name or an IP address, in one spelling: lower case, IPv6 in its short form. */
  readonly host: string;
  readonly port: number;
}

const BRACKETED = /^\[([^[\]]*)\](?::(.*))?$/;
const PLAIN = /^([^:[\]]*)(?::(.*))?$/;
/** Labels between single dots, in any script. */
const NAME = /^[\p{L}\p{N}\p{M}_-]+(\.[\p{L}\p{N}\p{M}_-]+)*\.?$/u;
const LAST_PORT = 65_535;

/** @throws SMP_BAD_INPUT naming what is wrong */
export function parseUdpAddress(address: unknown, defaultPort: number): UdpAddress {
  if (typeof address !== "string") throw bad(`not ${address === null ? "null" : `a value of type ${typeof address}`}`);
  const text = address.trim();
  const { host, port } = split(text);
  if (host === "") throw bad(`not "${text}"`);
  return { host, port: port === undefined ? defaultPort : parsePort(port, text) };
}

/** `host` is "" for what can be none. */
function split(text: string): { readonly host: string; readonly port: string | undefined } {
  if (isIPv6(text)) return { host: shortIPv6(text), port: undefined };
  const bracketed = BRACKETED.exec(text);
  if (bracketed) return { host: isIPv6(bracketed[1]!) ? shortIPv6(bracketed[1]!) : "", port: bracketed[2] };
  const [, name = "", port] = PLAIN.exec(text) ?? [];
  return { host: hostName(name), port };
}

/** "host:port" or "[IPv6]:port". */
export function formatUdpAddress({ host, port }: UdpAddress): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

function parsePort(port: string, text: string): number {
  const number = /^\d{1,5}$/.test(port) ? Number(port) : 0;
  if (number >= 1 && number <= LAST_PORT) return number;
  throw bad(`and a port is a number from 1 to ${LAST_PORT}, not "${port}" as in "${text}"`);
}

/** As it is asked for; "" for what can be no name. "10.1" and "1337" are names to nobody, but old notations of IPv4. */
function hostName(given: string): string {
  const ascii = NAME.test(given) ? domainToASCII(given) : "";
  return isIPv4(ascii) && ascii !== given ? "" : ascii;
}

/** A zone, as in fe80::1%eth0, stays as it is. */
function shortIPv6(address: string): string {
  const [ip, ...zone] = address.split("%");
  return [new SocketAddress({ address: ip!, family: "ipv6" }).address, ...zone].join("%");
}

function bad(what: string): SmpError {
  // Whoever writes a user and a password there does not want them in a log.
  const shown = what.replace(/[^\s"]+@/g, "…@");
  return new SmpError("SMP_BAD_INPUT", `the device must be host, host:port or [IPv6]:port, ${shown}`, {
    field: "device",
  });
}
