/** A Bluetooth controller as the host of one process sees it: HCI commands and events (Bluetooth Core, Vol 4, Part E). */
import { SMP_SERVICE } from "../../src/transport/ble-host/messages";
import { AirLink, type LinkOwner } from "./air-link";
import type { VirtualPeripheral } from "./peripheral";

const OWN_ADDRESS = "02:00:00:00:00:01";
const ACL_BYTES = 251;
const ACL_BUFFERS = 8;
const ADVERTISE_MS = 5;
const UNKNOWN_CONNECTION = 0x02;

/** What commands that only ask are answered with; others just succeed. */
const RESULTS: Readonly<Record<number, Buffer>> = {
  /** Local version: 5.0. */
  0x1001: Buffer.of(0x09, 0, 0, 0x09, 0x59, 0, 0, 0),
  0x1009: addressBytes(OWN_ADDRESS),
  /** LE is supported by the host. */
  0x0c6c: Buffer.of(1, 0),
  0x2002: Buffer.of(ACL_BYTES, 0, ACL_BUFFERS),
  /** LE features: data length extension. */
  0x2003: Buffer.of(0x20, 0, 0, 0, 0, 0, 0, 0),
  /** Largest data length and its time, to send and to receive. */
  0x202f: Buffer.of(ACL_BYTES, 0, 0x48, 0x08, ACL_BYTES, 0, 0x48, 0x08),
};

export interface ControllerHost {
  peripherals(): readonly VirtualPeripheral[];
  send(packet: Buffer): void;
  /** The host did what no host may. */
  violated(what: string): void;
}

export class Controller implements LinkOwner {
  readonly links = new Map<number, AirLink>();
  readonly #host: ControllerHost;
  readonly #outstanding = new Map<number, number>();
  #nextHandle = 0;
  #scan: NodeJS.Timeout | undefined;
  isScanning = false;
  #wanted: string | undefined;

  constructor(host: ControllerHost) {
    this.#host = host;
  }

  /** Ends all, as the adapter's removal or the process's end does. */
  close(): void {
    clearTimeout(this.#scan);
    this.isScanning = false;
    for (const link of this.links.values()) link.lose(0x16);
  }

  take(packet: Buffer): void {
    if (packet[0] === 0x01) this.#command(packet.readUInt16LE(1), packet.subarray(4));
    else if (packet[0] === 0x02) this.#acl(packet);
  }

  sendAcl(handle: number, data: Buffer, isStart: boolean): void {
    const header = Buffer.alloc(5);
    header[0] = 0x02;
    header.writeUInt16LE(handle | ((isStart ? 2 : 1) << 12), 1);
    header.writeUInt16LE(data.length, 3);
    this.#host.send(Buffer.concat([header, data]));
  }

  completed(handle: number, packets: number): void {
    this.#outstanding.set(handle, (this.#outstanding.get(handle) ?? 0) - packets);
    this.#event(0x13, Buffer.of(1, handle & 0xff, handle >> 8, packets & 0xff, packets >> 8));
  }

  disconnected(handle: number, reason: number): void {
    this.links.delete(handle);
    this.#outstanding.delete(handle);
    this.#event(0x05, Buffer.of(0, handle & 0xff, handle >> 8, reason));
  }

  #acl(packet: Buffer): void {
    const handle = packet.readUInt16LE(1) & 0x0fff;
    const isStart = ((packet.readUInt16LE(1) >> 12) & 0b11) !== 1;
    const link = this.links.get(handle);
    if (!link) return;
    this.#outstanding.set(handle, (this.#outstanding.get(handle) ?? 0) + 1);
    const total = [...this.#outstanding.values()].reduce((sum, count) => sum + count, 0);
    if (total > ACL_BUFFERS) this.#host.violated(`${total} packets in ${ACL_BUFFERS} buffers`);
    link.take(Buffer.from(packet.subarray(5)), isStart);
  }

  #command(opcode: number, parameters: Buffer): void {
    const result = RESULTS[opcode];
    if (opcode === 0x200c) return this.#scanEnable(opcode, parameters[0] === 1);
    if (opcode === 0x200d) return this.#createConnection(opcode, parameters);
    if (opcode === 0x200e) return this.#cancelConnection(opcode);
    if (opcode === 0x0406) return this.#disconnect(opcode, parameters.readUInt16LE(0));
    this.#complete(opcode, Buffer.concat([Buffer.of(0), result ?? Buffer.alloc(0)]));
  }

  #scanEnable(opcode: number, isOn: boolean): void {
    clearTimeout(this.#scan);
    this.isScanning = isOn;
    this.#complete(opcode, Buffer.of(0));
    if (isOn) this.#advertise();
  }

  #advertise(): void {
    for (const peripheral of this.#host.peripherals().filter(({ isAdvertising }) => isAdvertising)) {
      const { isConnectable } = peripheral.behaviour;
      this.#report(isConnectable ? 0x00 : 0x03, peripheral, advertisement(peripheral));
      if (isConnectable) this.#report(0x04, peripheral, scanResponse(peripheral));
    }
    this.#scan = setTimeout(() => this.#advertise(), ADVERTISE_MS);
  }

  #report(type: number, { behaviour }: VirtualPeripheral, data: Buffer): void {
    const head = Buffer.concat([Buffer.of(0x02, 1, type, 1), addressBytes(behaviour.address), Buffer.of(data.length)]);
    this.#event(0x3e, Buffer.concat([head, data, Buffer.of(0xc4)]));
  }

  #createConnection(opcode: number, parameters: Buffer): void {
    this.#status(opcode, 0);
    const address = [...parameters.subarray(6, 12)].toReversed().map(hex).join(":");
    this.#wanted = address;
    const parameterBytes = Buffer.concat([
      parameters.subarray(15, 17),
      parameters.subarray(17, 19),
      parameters.subarray(19, 21),
    ]);
    this.#seek(parameterBytes);
  }

  /** Until the peripheral advertises, or the attempt is cancelled. */
  #seek(parameters: Buffer): void {
    const peripheral = this.#host
      .peripherals()
      .find(
        ({ behaviour, isAdvertising }) =>
          behaviour.address === this.#wanted && isAdvertising && behaviour.isConnectable,
      );
    if (!peripheral) {
      if (this.#wanted !== undefined) setTimeout(() => this.#seek(parameters), ADVERTISE_MS);
      return;
    }
    this.#wanted = undefined;
    const handle = this.#nextHandle++;
    const link = new AirLink(this, handle, peripheral);
    this.links.set(handle, link);
    const who = Buffer.concat([u16(handle), Buffer.of(0, 1), addressBytes(peripheral.behaviour.address)]);
    this.#event(0x3e, Buffer.concat([Buffer.of(0x01, 0), who, parameters, Buffer.of(0)]));
    link.vanishAt("connect");
  }

  #cancelConnection(opcode: number): void {
    const wasPending = this.#wanted !== undefined;
    this.#wanted = undefined;
    this.#complete(opcode, Buffer.of(wasPending ? 0 : 0x0c));
    if (wasPending) this.#event(0x3e, Buffer.concat([Buffer.of(0x01, UNKNOWN_CONNECTION), Buffer.alloc(17)]));
  }

  #disconnect(opcode: number, handle: number): void {
    const link = this.links.get(handle);
    this.#status(opcode, link ? 0 : UNKNOWN_CONNECTION);
    if (!link) this.#host.violated(`disconnected handle ${handle}, which is not connected`);
    link?.lose(0x16);
  }

  #complete(opcode: number, result: Buffer): void {
    this.#event(0x0e, Buffer.concat([Buffer.of(1), u16(opcode), result]));
  }

  #status(opcode: number, status: number): void {
    this.#event(0x0f, Buffer.concat([Buffer.of(status, 1), u16(opcode)]));
  }

  #event(code: number, parameters: Buffer): void {
    this.#host.send(Buffer.concat([Buffer.of(0x04, code, parameters.length), parameters]));
  }
}

function advertisement({ behaviour }: VirtualPeripheral): Buffer {
  const flags = Buffer.of(2, 0x01, 0x06);
  if (!behaviour.advertisesSmp) return flags;
  return Buffer.concat([flags, Buffer.of(17, 0x07), Buffer.from(Buffer.from(SMP_SERVICE, "hex").toReversed())]);
}

function scanResponse({ behaviour }: VirtualPeripheral): Buffer {
  const name = Buffer.from(behaviour.name ?? "");
  return name.length === 0 ? name : Buffer.concat([Buffer.of(name.length + 1, 0x09), name]);
}

function addressBytes(address: string): Buffer {
  return Buffer.from(Buffer.from(address.replaceAll(":", ""), "hex").toReversed());
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, "0");
}

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}
