/** Serial ports as devices to choose from. */
import type { FoundDevice } from "../transport";
import { formatUsb } from "./address";
import type { PortInfo } from "./port-list";

/** Each by the address that lasts longest: a USB device's identity where that is plain, else the path. */
export function foundPorts(ports: readonly PortInfo[]): FoundDevice[] {
  return ports.map((port) => {
    const { path: address, name } = port;
    return { device: usbIdentity(port, ports) ?? address, address, ...(name !== undefined && { name }) };
  });
}

/** Undefined for what is no USB device, has no serial number of its own, or one that an address cannot hold. */
function usbIdentity(port: PortInfo, ports: readonly PortInfo[]): string | undefined {
  const { vendorId, productId, serialNumber } = port;
  if (vendorId === undefined || productId === undefined || serialNumber === undefined) return undefined;
  if (!/^[\w.:-]+$/.test(serialNumber)) return undefined;
  const same = ports.filter(
    (other) =>
      other.vendorId === vendorId &&
      other.productId === productId &&
      other.serialNumber?.toLowerCase() === serialNumber.toLowerCase(),
  );
  const which = same.length === 1 ? undefined : same.indexOf(port) + 1;
  return formatUsb({ vendorId, productId, serialNumber, port: which });
}
