/**
 * How a message or a form names a serial line:
 *
 *   /dev/ttyACM0   COM3                  a port of this machine
 *   usb:2fe3:0004:0123ABCD               the port of a USB device, whatever its path is at the moment; * for any product or serial
 *   tcp://192.168.1.20:3001              a terminal server
 *
 * and behind `?` what differs from the pool's settings: baud=115200, flow=none|rtscts|xonxoff, framing=console|raw,
 * linedelay=2 (ms), and for usb: port=2, the second port of a device with several.
 */
import { SmpError } from "../../errors";

/** "rtscts": by wires; "xonxoff": by characters, which raw frames may hold. */
export const FLOW_CONTROLS = ["none", "rtscts", "xonxoff"] as const;
/** "console": lines of text (Zephyr's shell and UART transports, MCUboot); "raw": bare frames (Zephyr 4.4 raw UART). */
export const FRAMINGS = ["console", "raw"] as const;

/** How a line is set and how frames go over it. */
export interface SerialSettings {
  readonly baudRate: number;
  readonly flowControl: (typeof FLOW_CONTROLS)[number];
  readonly framing: (typeof FRAMINGS)[number];
  /** Pause after each line of a frame: servers have two line buffers, which a fast line fills at once. Left out where it is not needed. */
  readonly lineDelayMs: number;
}

/** As most builds have it; the pause lets 40 KB/s pass, which no UART of 115200 baud reaches. */
export const SERIAL_DEFAULTS: SerialSettings = {
  baudRate: 115_200,
  flowControl: "none",
  framing: "console",
  lineDelayMs: 2,
};

/** What numbers may be, in addresses and in forms. */
export const SERIAL_RANGES = { baudRate: [50, 20_000_000], lineDelayMs: [0, 1_000] } as const;

/** Whether the line would take bytes of frames for its own. */
export function isFlowInFrames({ framing, flowControl }: SerialSettings): boolean {
  return framing === "raw" && flowControl === "xonxoff";
}

/** A USB device, whatever the path of its port is at the moment. */
export interface UsbIdentity {
  /** Four hex digits in lower case. */
  readonly vendorId: string;
  /** Undefined: any. */
  readonly productId: string | undefined;
  /** In lower case; undefined: any. */
  readonly serialNumber: string | undefined;
  /** Which of the device's ports, by their paths, from 1; undefined: the only one. */
  readonly port?: number | undefined;
}

/** "usb:2fe3:0004:0123ABCD", as an address has it. */
export function formatUsb({ vendorId, productId = "*", serialNumber, port }: UsbIdentity): string {
  const device = `usb:${vendorId}:${productId}${serialNumber === undefined ? "" : `:${serialNumber}`}`;
  return port === undefined ? device : `${device}?port=${port}`;
}

export type SerialPlace =
  | { readonly kind: "path"; readonly path: string }
  | ({ readonly kind: "usb" } & UsbIdentity)
  | { readonly kind: "tcp"; readonly host: string; readonly port: number };

export interface SerialAddress {
  /** Without what stands behind `?`; the same device has the same. */
  readonly key: string;
  readonly place: SerialPlace;
  readonly settings: SerialSettings;
}

const OPTIONS = ["baud", "flow", "framing", "linedelay", "port"] as const;
type Option = (typeof OPTIONS)[number];
type Given = ReadonlyMap<Option, string>;

/** @throws SMP_BAD_INPUT naming what is wrong */
export function parseSerialAddress(address: unknown, defaults: SerialSettings): SerialAddress {
  const text = typeof address === "string" ? address.trim() : "";
  const [where = "", ...query] = text.split("?");
  const given = readOptions(text, query.join("?"));
  const place = readPlace(where, given) ?? fail(typeof address === "string" ? `"${text}"` : `a ${typeof address}`);
  refuseUseless(text, place, given);
  return { key: keyOf(place), place, settings: readSettings(text, given, defaults) };
}

function readSettings(text: string, given: Given, defaults: SerialSettings): SerialSettings {
  const settings: SerialSettings = {
    baudRate: wholeNumber(text, given, "baud", SERIAL_RANGES.baudRate) ?? defaults.baudRate,
    flowControl: oneOf(text, given, "flow", FLOW_CONTROLS) ?? defaults.flowControl,
    framing: oneOf(text, given, "framing", FRAMINGS) ?? defaults.framing,
    lineDelayMs: wholeNumber(text, given, "linedelay", SERIAL_RANGES.lineDelayMs) ?? defaults.lineDelayMs,
  };
  if (!isFlowInFrames(settings)) return settings;
  throw bad(`${text}: raw frames may hold the characters of xonxoff; use rtscts or none`);
}

function readPlace(text: string, given: Given): SerialPlace | undefined {
  if (/^usb:/i.test(text)) return readUsb(text, given);
  if (/^tcp:/i.test(text)) return readTcp(text);
  if (/^COM\d+$/i.test(text)) return { kind: "path", path: text.toUpperCase() };
  return /^(?:\/.|\\\\\.\\.)/.test(text) ? { kind: "path", path: text } : undefined;
}

function readUsb(text: string, given: Given): SerialPlace {
  const parts = /^usb:([0-9a-f]{4}):([0-9a-f]{4}|\*)(?::(.+))?$/i.exec(text);
  if (!parts) throw bad(`${text}: expected usb:VID:PID or usb:VID:PID:SERIAL, with the ids in four hex digits`);
  const [, vendorId, productId, serialNumber] = parts;
  return {
    kind: "usb",
    vendorId: vendorId!.toLowerCase(),
    productId: orAny(productId),
    serialNumber: orAny(serialNumber),
    port: wholeNumber(text, given, "port", [1, 32]),
  };
}

function orAny(part: string | undefined): string | undefined {
  return part === "*" ? undefined : part?.toLowerCase();
}

function readTcp(text: string): SerialPlace {
  const parts = /^tcp:\/\/(\[[0-9a-f:.]+\]|[^\s/:@[\]]+):(\d{1,5})\/?$/i.exec(text);
  const port = Number(parts?.[2]);
  if (!parts || port < 1 || port > 65_535) throw bad(`${text}: expected tcp://host:port, with a port from 1 to 65535`);
  return { kind: "tcp", host: parts[1]!.replace(/^\[|\]$/g, "").toLowerCase(), port };
}

function keyOf(place: SerialPlace): string {
  if (place.kind === "path") return place.path;
  if (place.kind === "tcp") return `tcp://${place.host.includes(":") ? `[${place.host}]` : place.host}:${place.port}`;
  return formatUsb(place);
}

function readOptions(text: string, query: string): Given {
  const given = new Map<Option, string>();
  for (const [name, value] of new URLSearchParams(query)) {
    const option = OPTIONS.find((known) => known === name.toLowerCase());
    if (!option) throw bad(`${text}: there is no option "${name}", but ${OPTIONS.join(", ")}`);
    if (given.has(option)) throw bad(`${text}: ${option} is given twice`);
    given.set(option, value.trim());
  }
  return given;
}

/** What could not have an effect is a mistake. */
function refuseUseless(text: string, { kind }: SerialPlace, given: Given): void {
  const useless = kind === "tcp" ? (["baud", "flow"] as const).find((option) => given.has(option)) : undefined;
  if (useless) throw bad(`${text}: ${useless} is for the terminal server to set`);
  if (kind !== "usb" && given.has("port")) throw bad(`${text}: port is for usb: addresses`);
}

function wholeNumber(
  text: string,
  given: Given,
  option: Option,
  [lowest, highest]: readonly [number, number],
): number | undefined {
  const value = given.get(option);
  if (value === undefined) return undefined;
  const parsed = /^\d+$/.test(value) ? Number(value) : Number.NaN;
  if (parsed >= lowest && parsed <= highest) return parsed;
  throw bad(`${text}: ${option} must be a whole number from ${lowest} to ${highest}, not "${value}"`);
}

function oneOf<T extends string>(text: string, given: Given, option: Option, choices: readonly T[]): T | undefined {
  const value = given.get(option);
  if (value === undefined) return undefined;
  const choice = choices.find((known) => known === value.toLowerCase());
  if (choice !== undefined) return choice;
  throw bad(`${text}: ${option} must be one of ${choices.join(", ")}, not "${value}"`);
}

function fail(what: string): never {
  throw bad(
    `the device must be a serial port such as /dev/ttyACM0 or COM3, usb:VID:PID:SERIAL, or tcp://host:port, not ${what}`,
  );
}

function bad(message: string): SmpError {
  return new SmpError("SMP_BAD_INPUT", message, { field: "device" });
}
