/** One connection through the air: L2CAP in packets of the link layer, connection events, the SMP characteristic's frames. */
import { AttServer } from "./att-server";
import type { Server, Step, VirtualPeripheral } from "./peripheral";

const ATT_CHANNEL = 4;
const SECURITY_CHANNEL = 6;
const PACKET_BYTES = 251;
const SMP_HEADER_BYTES = 8;

export interface LinkOwner {
  /** To the host. */
  sendAcl(handle: number, data: Buffer, isStart: boolean): void;
  completed(handle: number, packets: number): void;
  disconnected(handle: number, reason: number): void;
}

export class AirLink {
  readonly handle: number;
  readonly #owner: LinkOwner;
  readonly #peripheral: VirtualPeripheral;
  readonly #att: AttServer;
  readonly #connection: ReturnType<Server["connect"]>;
  readonly #toDevice: { data: Buffer; isStart: boolean }[] = [];
  readonly #toHost: { data: Buffer; isStart: boolean }[] = [];
  #message: Buffer = Buffer.alloc(0);
  #frame: Buffer = Buffer.alloc(0);
  #notifications = 0;
  #isOver = false;
  #event: NodeJS.Timeout | NodeJS.Immediate | undefined;

  constructor(owner: LinkOwner, handle: number, peripheral: VirtualPeripheral) {
    this.#owner = owner;
    this.handle = handle;
    this.#peripheral = peripheral;
    peripheral.link = this;
    peripheral.connections++;
    this.#att = new AttServer({
      peripheral,
      sendAtt: (pdu) => this.#send(ATT_CHANNEL, pdu),
      vanishAt: (step) => this.vanishAt(step),
      written: (fragment) => this.#written(fragment),
      subscribed: (isOn) => this.#subscribed(isOn),
    });
    this.#connection = peripheral.server.connect({
      frame: (frame) => this.#notify(frame),
      lost: () => this.lose(0x08),
    });
  }

  /** A packet from the host, with its credit. */
  take(data: Buffer, isStart: boolean): void {
    this.#toDevice.push({ data, isStart });
    this.#schedule();
  }

  /** Ends the connection, delivering what is on its way to the host. */
  lose(reason: number): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#event as NodeJS.Timeout);
    clearImmediate(this.#event as NodeJS.Immediate);
    for (const { data, isStart } of this.#toHost.splice(0)) this.#owner.sendAcl(this.handle, data, isStart);
    this.#peripheral.link = undefined;
    this.#connection.close();
    this.#owner.disconnected(this.handle, reason);
  }

  vanishAt(step: Step): boolean {
    const isGone = this.#peripheral.vanishes(step);
    if (isGone) this.lose(0x08);
    return isGone;
  }

  #schedule(): void {
    if (this.#event || this.#isOver) return;
    const { intervalMs } = this.#peripheral.behaviour;
    const run = (): void => this.#runEvent();
    this.#event = intervalMs === 0 ? setImmediate(run) : setTimeout(run, intervalMs);
  }

  #runEvent(): void {
    this.#event = undefined;
    const { packetsPerEvent } = this.#peripheral.behaviour;
    const fromHost = this.#toDevice.splice(0, packetsPerEvent);
    for (const { data, isStart } of fromHost) {
      if (!this.#isOver) this.#assemble(data, isStart);
    }
    if (this.#isOver) return;
    if (fromHost.length > 0) this.#owner.completed(this.handle, fromHost.length);
    for (const { data, isStart } of this.#toHost.splice(0, packetsPerEvent)) {
      this.#owner.sendAcl(this.handle, data, isStart);
    }
    if (this.#toDevice.length > 0 || this.#toHost.length > 0) this.#schedule();
  }

  #assemble(data: Buffer, isStart: boolean): void {
    this.#message = isStart ? data : Buffer.concat([this.#message, data]);
    if (this.#message.length < 4 || this.#message.length < 4 + this.#message.readUInt16LE(0)) return;
    const channel = this.#message.readUInt16LE(2);
    const pdu = Buffer.from(this.#message.subarray(4));
    this.#message = Buffer.alloc(0);
    if (channel === ATT_CHANNEL) this.#att.take(pdu);
    else if (channel === SECURITY_CHANNEL) this.#pair();
  }

  /** Insists on authentication, which "Just Works" is not (SMP, reason 0x03). */
  #pair(): void {
    if (this.#peripheral.behaviour.pairing === "fails") this.#send(SECURITY_CHANNEL, Buffer.of(0x05, 0x03));
  }

  #send(channel: number, pdu: Buffer): void {
    const header = Buffer.alloc(4);
    header.writeUInt16LE(pdu.length);
    header.writeUInt16LE(channel, 2);
    const message = Buffer.concat([header, pdu]);
    for (let at = 0; at < message.length; at += PACKET_BYTES) {
      this.#toHost.push({ data: message.subarray(at, at + PACKET_BYTES), isStart: at === 0 });
    }
    this.#schedule();
  }

  #notify(frame: Uint8Array): void {
    const { notifyBytes, losesNotification } = this.#peripheral.behaviour;
    const size = Math.min(this.#att.mtu - 3, notifyBytes);
    for (let at = 0; at < frame.length; at += size) {
      const isLost = losesNotification !== undefined && ++this.#notifications % losesNotification === 0;
      if (!isLost) this.#att.notify(frame.subarray(at, at + size));
    }
  }

  #subscribed(isOn: boolean): void {
    if (isOn) this.#peripheral.subscriptions++;
    else this.#frame = Buffer.alloc(0);
  }

  /** As smp_bt.c with and without reassembly. */
  #written(fragment: Buffer): void {
    this.#peripheral.writes.push(fragment.length);
    const { reassemblyBytes } = this.#peripheral.behaviour;
    if (reassemblyBytes === undefined) return this.#connection.send(fragment);
    if (this.#frame.length === 0 && fragment.length < SMP_HEADER_BYTES) return;
    const together = Buffer.concat([this.#frame, fragment]);
    const wholeBytes = SMP_HEADER_BYTES + together.readUInt16BE(2);
    this.#frame = Buffer.alloc(0);
    if (wholeBytes > reassemblyBytes || together.length > wholeBytes) return;
    if (together.length === wholeBytes) this.#connection.send(together);
    else this.#frame = together;
  }
}
