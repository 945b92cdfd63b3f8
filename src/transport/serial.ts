/** Links over serial lines: ports of this machine, found by path or USB identity, and terminal servers. */
import { SmpError } from "../errors";
import { raceAbort, throwIfAborted } from "../clock";
import {
  formatUsb,
  parseSerialAddress,
  SERIAL_DEFAULTS,
  type SerialAddress,
  type SerialSettings,
  type UsbIdentity,
} from "./serial/address";
import type { ByteStream } from "./serial/byte-stream";
import { loadDriver, type SerialDriver } from "./serial/driver";
import { LinePace } from "./serial/line-pace";
import { SerialLink } from "./serial/link";
import { openPort } from "./serial/port";
import { listPorts, type PortInfo } from "./serial/port-list";
import { openTcp } from "./serial/tcp";
import { foundPorts } from "./serial/found-ports";
import type { Transport } from "./transport";

/** What is absent has the default of `SERIAL_DEFAULTS`. */
export interface SerialOptions extends Partial<SerialSettings> {
  /** For tests: loads the package `serialport`. */
  readonly load?: () => Promise<SerialDriver>;
  /** For tests: lists the ports. */
  readonly list?: () => Promise<PortInfo[]>;
}

/** Addresses as `parseSerialAddress` takes them; settings that an address does not give are the options'. */
export function serialTransport({ load, list, ...settings }: SerialOptions = {}): Transport<SerialAddress> {
  const driver = () => loadDriver(load);
  const finder = list ?? (() => listPorts(driver));
  const paces = new Map<string, LinePace>();
  const paceOf = (key: string): LinePace => {
    const pace = paces.get(key) ?? new LinePace();
    paces.set(key, pace);
    return pace;
  };
  return {
    scheme: "serial",
    parse: (address) => parseSerialAddress(address, { ...SERIAL_DEFAULTS, ...settings }),
    key: ({ key }) => key,
    open: async (address, signal) => {
      throwIfAborted(signal);
      const link = new SerialLink(address, paceOf(address.key));
      return link.attach(await openStream(address, { driver, finder, link }, signal));
    },
    discover: async (_signal, onSeen) => {
      for (const found of foundPorts(await finder())) onSeen(found);
    },
  };
}

/** The serial ports of this machine, for people to choose from. @throws SMP_LINK_OPEN where only the package can tell */
export function listSerialPorts(): Promise<PortInfo[]> {
  return listPorts(loadDriver);
}

interface Means {
  readonly driver: () => Promise<SerialDriver>;
  readonly finder: () => Promise<PortInfo[]>;
  readonly link: SerialLink;
}

async function openStream(
  { key, place, settings }: SerialAddress,
  { driver, finder, link }: Means,
  signal: AbortSignal,
): Promise<ByteStream> {
  if (place.kind === "tcp") return await openTcp({ label: key, ...place }, link, signal);
  const serialport = await raceAbort(signal, driver());
  const path = place.kind === "path" ? place.path : pathOf(place, await raceAbort(signal, finder()));
  return await openPort(serialport, { path, ...settings }, link, signal);
}

/** A USB device gets another path whenever it comes back, so it is looked for each time. */
function pathOf(wanted: UsbIdentity, ports: readonly PortInfo[]): string {
  const found = ports.filter((port) => isWanted(port, wanted));
  const chosen = wanted.port === undefined ? found : found.slice(wanted.port - 1, wanted.port);
  if (chosen.length === 1) return chosen[0]!.path;
  const { port, ...identity } = wanted;
  const device = formatUsb(identity);
  if (chosen.length > 1) {
    throw new SmpError("SMP_LINK_OPEN", `${device} means ${chosen.length} ports: ${chosen.map(describe).join("; ")}`, {
      retryable: false,
      hint: "Add the serial number (usb:VID:PID:SERIAL), or for a device with several ports which of them (?port=1).",
    });
  }
  const usb = ports.filter(({ vendorId: vendor }) => vendor !== undefined);
  const there = usb.length === 0 ? "there is no USB serial port" : `there are ${usb.map(describe).join("; ")}`;
  const which = port === undefined || found.length === 0 ? "no port" : `no port ${port}, but ${found.length},`;
  throw new SmpError("SMP_LINK_OPEN", `${which} of a device ${device} is there: ${there}`, {
    hint: "Plug the device in; it may also have another identity while its bootloader runs (usb:VID:*:SERIAL).",
  });
}

function isWanted(port: PortInfo, { vendorId, productId, serialNumber }: UsbIdentity): boolean {
  return (
    port.vendorId === vendorId &&
    (productId === undefined || port.productId === productId) &&
    (serialNumber === undefined || port.serialNumber?.toLowerCase() === serialNumber)
  );
}

function describe({ path, vendorId, productId, serialNumber }: PortInfo): string {
  return `${path} (${vendorId}:${productId}${serialNumber === undefined ? "" : `:${serialNumber}`})`;
}
