/** Which peripherals are meant. */
import { type BleAdvert, type BleIdentity, SMP_SERVICE } from "./messages";
import type { Peripheral } from "./noble";

export function matches(wanted: BleIdentity, peripheral: Peripheral): boolean {
  if (wanted.address !== undefined && addressesOf(peripheral).includes(wanted.address)) return true;
  if (wanted.name === undefined && wanted.service === undefined) return false;
  const isNamed = wanted.name === undefined || wanted.name === nameOf(peripheral);
  return isNamed && (wanted.service === undefined || servicesOf(peripheral).includes(wanted.service));
}

export function advertOf(peripheral: Peripheral): BleAdvert {
  const services = servicesOf(peripheral);
  return {
    address: addressOf(peripheral),
    name: nameOf(peripheral),
    rssi: peripheral.rssi,
    connectable: Boolean(peripheral.connectable),
    services,
    smp: services.includes(SMP_SERVICE),
  };
}

/** Identifiers that are no Bluetooth addresses stay as they are. */
export function withColons(address: string): string {
  return /^[0-9a-f]{12}$/.test(address) ? address.match(/../g)!.join(":") : address;
}

/** Some platforms know only an identifier of their own. */
export function addressOf(peripheral: Peripheral): string {
  return withColons(peripheral.id.toLowerCase());
}

export function nameOf({ advertisement }: Peripheral): string | undefined {
  const name = advertisement.localName?.replace(/\0+$/, "");
  return name === "" ? undefined : name;
}

function addressesOf({ id, address }: Peripheral): string[] {
  return [id, address ?? ""].map((text) => text.replaceAll(/[^0-9a-z]/gi, "").toLowerCase());
}

function servicesOf({ advertisement }: Peripheral): readonly string[] {
  return advertisement.serviceUuids ?? [];
}
