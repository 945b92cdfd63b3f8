/** How messages and forms name a Bluetooth LE device. */
import { SmpError } from "../errors";
import { withColons } from "./ble-host/identity";
import type { BleIdentity } from "./ble-host/messages";

/** A Bluetooth address, or what macOS gives instead. */
const ADDRESS = /^(?:[0-9a-f]{12}|[0-9a-f]{32})$/;
const SERVICE = /^(?:[0-9a-f]{4}|[0-9a-f]{8}|[0-9a-f]{32})$/;
const KEYS = ["address", "name", "service"] as const;

/**
 * "C0:FF:EE:00:00:01" (an address), "my sensor" (a name), both as "C0:FF:EE:00:00:01 | my sensor", or `{ address?, name?, service? }`: the device with the address,
 * or else the one with the name that advertises the service.
 * @throws SMP_BAD_INPUT naming what is wrong
 */
export function parseBleAddress(given: unknown): BleIdentity {
  if (typeof given === "string" && given.trim() !== "") return parseText(given.trim());
  const isRecord = typeof given === "object" && given !== null && Object.getPrototypeOf(given) === Object.prototype;
  if (!isRecord)
    throw bad(`must be a Bluetooth address, a name, or { address, name, service }, not ${describe(given)}`);
  return parseRecord(given as Record<string, unknown>);
}

/** One name for all spellings of an identity. */
export function keyOf({ address, name, service }: BleIdentity): string {
  const parts = [address && withColons(address), name, service].filter((part) => part !== undefined);
  return parts.join(" | ");
}

function parseText(text: string): BleIdentity {
  const [, address, name] = /^(.*?)\s+\|\s+(.+)$/.exec(text) ?? [];
  if (address === undefined || name === undefined) return parseOne(text);
  const one = parseOne(address);
  return one.address === undefined ? { name: text } : { ...one, name };
}

function parseOne(text: string): BleIdentity {
  const address = plainHex(text);
  const looksLikeAddress =
    ADDRESS.test(address) && (text.length === address.length || /^[^:-]+([:-][^:-]+)+$/.test(text));
  return looksLikeAddress ? { address } : { name: text };
}

function parseRecord(record: Record<string, unknown>): BleIdentity {
  const unknown = Object.keys(record).find((key) => !(KEYS as readonly string[]).includes(key));
  if (unknown !== undefined) throw bad(`has the property ${unknown}, but may have ${KEYS.join(", ")}`);
  const given = Object.fromEntries(KEYS.flatMap((key) => textOf(record, key)));
  const identity: BleIdentity = {
    ...(given["address"] && { address: hexOf(given["address"], "address", ADDRESS) }),
    ...(given["name"] && { name: given["name"] }),
    ...(given["service"] && { service: hexOf(given["service"], "service", SERVICE) }),
  };
  if (Object.keys(identity).length === 0) throw bad(`names nothing: it needs ${KEYS.join(", ")}, or several of them`);
  return identity;
}

function textOf(record: Record<string, unknown>, key: string): [string, string][] {
  const value = record[key];
  if (value === undefined || value === null || value === "") return [];
  if (typeof value !== "string") throw bad(`has a ${key} that is no text but ${describe(value)}`);
  return value.trim() === "" ? [] : [[key, value.trim()]];
}

function hexOf(text: string, key: string, pattern: RegExp): string {
  const hex = plainHex(text);
  if (pattern.test(hex)) return hex;
  const example = key === "address" ? "C0:FF:EE:00:00:01" : "8d53dc1d-1db7-4cd3-868b-8a527460aa84";
  throw bad(`has the ${key} "${text}", which is none; one looks like ${example}`);
}

function plainHex(text: string): string {
  return text.replaceAll(/[:-]/g, "").toLowerCase();
}

function bad(how: string): SmpError {
  return new SmpError("SMP_BAD_INPUT", `the device ${how}`, { field: "device" });
}

function describe(value: unknown): string {
  if (typeof value === "string") return "empty text";
  if (value === null || value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "another object" : `a ${typeof value}`;
}
