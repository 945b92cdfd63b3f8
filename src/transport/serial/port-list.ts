/** The serial ports of this machine. */
import { readdir, readFile, realpath } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { SerialDriver } from "./driver";

/** A serial port as the system knows it. */
export interface PortInfo {
  /** What opens it: "/dev/ttyACM0", "COM3". */
  readonly path: string;
  /** Of a USB device: four hex digits in lower case. */
  readonly vendorId?: string;
  readonly productId?: string;
  readonly serialNumber?: string;
  /** Manufacturer and product, as the device or the system tells. */
  readonly name?: string;
}

/** Ports that are there now, by path. */
export async function listPorts(load: () => Promise<SerialDriver>, sysfs = "/sys"): Promise<PortInfo[]> {
  const ports = process.platform === "linux" ? await listLinux(sysfs) : await listByDriver(await load());
  return ports.toSorted((a, b) => a.path.localeCompare(b.path, "en", { numeric: true }));
}

async function listByDriver({ SerialPort }: SerialDriver): Promise<PortInfo[]> {
  const ports = await SerialPort.list();
  return ports.map(({ path, vendorId, productId, serialNumber, manufacturer }) =>
    compact({
      path,
      vendorId: vendorId?.toLowerCase().padStart(4, "0"),
      productId: productId?.toLowerCase().padStart(4, "0"),
      serialNumber,
      name: manufacturer,
    }),
  );
}

/** From sysfs and not by the driver, which asks `udevadm`: containers and small systems have none. */
async function listLinux(sysfs: string): Promise<PortInfo[]> {
  const folder = join(sysfs, "class/tty");
  const names = await readdir(folder).catch(() => []);
  const ports = await Promise.all(names.map((name) => readPort(folder, name)));
  return ports.filter((port) => port !== undefined);
}

async function readPort(folder: string, name: string): Promise<PortInfo | undefined> {
  const device = await realpath(join(folder, name, "device")).catch(() => undefined);
  // Consoles have no device; the type of a UART that is not there is 0.
  if (device === undefined || (await attribute(join(folder, name), "type")) === "0") return undefined;
  const usb = await usbDeviceAbove(device);
  const path = `/dev/${name}`;
  if (usb === undefined) return { path };
  const [vendorId, productId, serialNumber, manufacturer, product] = await Promise.all(
    ["idVendor", "idProduct", "serial", "manufacturer", "product"].map((attr) => attribute(usb, attr)),
  );
  const words = [manufacturer, product].filter((word) => word !== undefined).join(" ");
  return compact({ path, vendorId, productId, serialNumber, name: words === "" ? undefined : words });
}

/** A port belongs to an interface of the device, or to a converter on an interface. */
async function usbDeviceAbove(device: string): Promise<string | undefined> {
  for (let at = device; basename(at) !== "" && at !== dirname(at); at = dirname(at)) {
    if ((await attribute(at, "idVendor")) !== undefined) return at;
  }
  return undefined;
}

async function attribute(folder: string, name: string): Promise<string | undefined> {
  const text = await readFile(join(folder, name), "utf8").catch(() => "");
  return text.trim() === "" ? undefined : text.trim();
}

type Loose<T> = { readonly [K in keyof T]: T[K] | undefined };

function compact({ path, ...rest }: { path: string } & Loose<Omit<Required<PortInfo>, "path">>): PortInfo {
  return { path, ...Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined)) };
}
