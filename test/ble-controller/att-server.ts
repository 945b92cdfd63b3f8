/** The ATT server of a peripheral: GAP and SMP services, as a Zephyr sample has them (Bluetooth Core, Vol 3, Part F and G). */
import { SMP_CHARACTERISTIC, SMP_SERVICE } from "../../src/transport/ble-host/messages";
import type { Step, VirtualPeripheral } from "./peripheral";

const ERROR = { INVALID_PDU: 0x04, NOT_SUPPORTED: 0x06, NOT_FOUND: 0x0a } as const;
const SERVICE_HANDLE = 0x10;
const DECLARATION_HANDLE = 0x11;
const VALUE_HANDLE = 0x12;
const SUBSCRIPTION_HANDLE = 0x13;
const LAST_HANDLE = 0x13;
/** Write without response, notify. */
const PROPERTIES = 0x14;
const LEAST_MTU = 23;

export interface AttHost {
  readonly peripheral: VirtualPeripheral;
  sendAtt(pdu: Buffer): void;
  /** @returns whether the link is gone now */
  vanishAt(step: Step): boolean;
  /** A fragment was written to the characteristic. */
  written(fragment: Buffer): void;
  subscribed(isOn: boolean): void;
}

export class AttServer {
  mtu = LEAST_MTU;
  isSubscribed = false;
  readonly #host: AttHost;

  constructor(host: AttHost) {
    this.#host = host;
  }

  /** Sends a value in one notification; the rest of one that is too long is lost, as with real stacks. */
  notify(value: Uint8Array): void {
    if (!this.isSubscribed) return;
    this.#host.sendAtt(Buffer.concat([Buffer.of(0x1b), u16(VALUE_HANDLE), value.subarray(0, this.mtu - 3)]));
  }

  take(pdu: Buffer): void {
    const opcode = pdu[0]!;
    if (opcode === 0x52) return this.#writeCommand(pdu);
    const answer = this.#answer(opcode, pdu);
    if (answer) this.#host.sendAtt(answer);
  }

  #answer(opcode: number, pdu: Buffer): Buffer | undefined {
    if (opcode === 0x02) return this.#exchangeMtu(pdu);
    if (opcode === 0x10) return this.#host.vanishAt("services") ? undefined : this.#services(pdu);
    if (opcode === 0x08) return this.#readByType(pdu);
    if (opcode === 0x12) return this.#write(pdu);
    return error(opcode, pdu.length >= 3 ? pdu.readUInt16LE(1) : 0, ERROR.NOT_SUPPORTED);
  }

  #exchangeMtu(pdu: Buffer): Buffer | undefined {
    const { mtu, mtuExchange } = this.#host.peripheral.behaviour;
    if (this.#host.vanishAt("mtu") || mtuExchange === "silent") return undefined;
    if (mtuExchange === "refuse") return error(0x02, 0, ERROR.NOT_SUPPORTED);
    if (mtuExchange === "invalid") return error(0x02, 0, ERROR.INVALID_PDU);
    this.mtu = Math.max(LEAST_MTU, Math.min(mtu, pdu.readUInt16LE(1)));
    return Buffer.concat([Buffer.of(0x03), u16(mtu)]);
  }

  #services(pdu: Buffer): Buffer {
    const start = pdu.readUInt16LE(1);
    if (start <= 1) return Buffer.concat([Buffer.of(0x11, 6), u16(1), u16(9), u16(0x1800)]);
    const { hasSmp } = this.#host.peripheral.behaviour;
    if (!hasSmp || start > SERVICE_HANDLE) return error(0x10, start, ERROR.NOT_FOUND);
    return Buffer.concat([Buffer.of(0x11, 20), u16(SERVICE_HANDLE), u16(LAST_HANDLE), uuid(SMP_SERVICE)]);
  }

  #readByType(pdu: Buffer): Buffer | undefined {
    const [start, end, type] = [pdu.readUInt16LE(1), pdu.readUInt16LE(3), pdu.readUInt16LE(5)];
    const covers = (handle: number): boolean => start <= handle && handle <= end;
    if (type === 0x2803 && covers(DECLARATION_HANDLE)) {
      if (this.#host.vanishAt("characteristics")) return undefined;
      const value = Buffer.concat([Buffer.of(PROPERTIES), u16(VALUE_HANDLE), uuid(SMP_CHARACTERISTIC)]);
      return Buffer.concat([Buffer.of(0x09, 21), u16(DECLARATION_HANDLE), value]);
    }
    if (type === 0x2902 && covers(SUBSCRIPTION_HANDLE)) {
      if (this.#host.vanishAt("subscription-read")) return undefined;
      return Buffer.concat([Buffer.of(0x09, 4), u16(SUBSCRIPTION_HANDLE), u16(this.isSubscribed ? 1 : 0)]);
    }
    return error(0x08, start, ERROR.NOT_FOUND);
  }

  #write(pdu: Buffer): Buffer | undefined {
    const handle = pdu.readUInt16LE(1);
    if (handle !== SUBSCRIPTION_HANDLE) return error(0x12, handle, ERROR.NOT_SUPPORTED);
    if (this.#host.vanishAt("subscription-write")) return undefined;
    const { subscriptionError } = this.#host.peripheral.behaviour;
    if (subscriptionError !== undefined) return error(0x12, handle, subscriptionError);
    this.isSubscribed = (pdu[3]! & 1) === 1;
    this.#host.subscribed(this.isSubscribed);
    return Buffer.of(0x13);
  }

  /** Refusals of commands are silent. */
  #writeCommand(pdu: Buffer): void {
    const isTooLong = pdu.length > this.mtu;
    if (!isTooLong && pdu.readUInt16LE(1) === VALUE_HANDLE) this.#host.written(Buffer.from(pdu.subarray(3)));
  }
}

function error(opcode: number, handle: number, code: number): Buffer {
  return Buffer.concat([Buffer.of(0x01, opcode), u16(handle), Buffer.of(code)]);
}

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

function uuid(hex: string): Buffer {
  return Buffer.from(Buffer.from(hex, "hex").toReversed());
}
