/** The kinds of link to the device, over a wire with faults; the transports of one client process. */
import { SmpError } from "../../src/errors";
import type { DeviceConnection } from "../../src/device/connection";
import type { VirtualDevice } from "../../src/device/device";
import { SerialLine } from "../../src/device/serial-line";
import { decodeHeader, HEADER_BYTES } from "../../src/smp/header";
import { FlowChannel } from "../../src/transport/flow/channel";
import { SERIAL_DEFAULTS } from "../../src/transport/serial/address";
import { SerialLink } from "../../src/transport/serial/link";
import { FrameQueue } from "../../src/transport/frame-queue";
import type { Link, Transport } from "../../src/transport/transport";
import type { LinkKind } from "./scenario";
import type { Wire } from "./wire";

export interface Far {
  readonly device: VirtualDevice;
  readonly wire: Wire;
  /** Whether a link can be opened now. */
  readonly isReachable: () => boolean;
}

interface OpenLink {
  /** The peer is gone. */
  lose(reason: string): void;
  /** Its process is gone: the device's end closes, and this end never hears of anything again. */
  forsake(): void;
}

const MOST_IN_FLIGHT = 16;
const MAX_FRAME_BYTES = 8 + 0xffff;

/** All links of one client process; what is asked of a dead one is never answered. */
export class ProcessLinks {
  readonly transport: Transport<string>;
  readonly #open: { readonly name: string; readonly link: OpenLink }[] = [];
  #isDead = false;

  constructor(kind: LinkKind, farOf: (name: string) => Far) {
    this.transport = {
      scheme: kind,
      parse: (address) => String(address),
      key: (name) => name,
      open: async (name) => {
        if (this.#isDead) return await new Promise(() => undefined);
        const far = farOf(name);
        const isFarSeen = kind === "connection" || kind === "console";
        if (isFarSeen && !far.isReachable()) throw new SmpError("SMP_LINK_OPEN", `${name} is out of reach`);
        const link = openers[kind](name, far);
        this.#open.push({ name, link });
        return link;
      },
    };
  }

  lose(lost: string, reason: string): void {
    for (const { name, link } of this.#open) if (name === lost) link.lose(reason);
  }

  kill(): void {
    this.#isDead = true;
    for (const { link } of this.#open) link.forsake();
  }
}

const openers: Record<LinkKind, (name: string, far: Far) => Link & OpenLink> = {
  connection: (name, far) => new ConnectionLink(name, far),
  datagrams: (name, far) => new DatagramLink(name, far),
  console: (_name, far) => openConsole(far),
  flow: (name, far) => openFlow(name, far),
};

/** As Bluetooth LE and TCP: who goes away is missed. */
class ConnectionLink implements Link, OpenLink {
  readonly label: string;
  readonly maxFrameBytes = MAX_FRAME_BYTES;
  readonly maxInFlight = MOST_IN_FLIGHT;
  readonly frames = new FrameQueue();
  readonly #wire: Wire;
  readonly #connection: DeviceConnection;
  #over: string | undefined;
  #isForsaken = false;

  constructor(name: string, { device, wire }: Far) {
    this.label = `connection:${name}`;
    this.#wire = wire;
    this.#connection = device.connect({
      frame: (frame) => wire.carry("to client", frame, (unit) => this.#take(unit)),
      lost: (reason) => this.lose(reason),
    });
  }

  async send(frame: Uint8Array): Promise<void> {
    if (this.#isForsaken) return await new Promise(() => undefined);
    if (this.#over !== undefined) throw new SmpError("SMP_LINK_LOST", `${this.label} ${this.#over}`);
    this.#wire.carry("to device", Uint8Array.from(frame), (unit) => this.#connection.send(unit));
  }

  async close(): Promise<void> {
    this.#over ??= "is closed";
    this.frames.end();
    this.#connection.close();
  }

  lose(reason: string): void {
    if (this.#over !== undefined || this.#isForsaken) return;
    this.#over = `was lost: ${reason}`;
    this.#connection.close();
    this.frames.fail(new SmpError("SMP_LINK_LOST", `${this.label} ${this.#over}`));
  }

  forsake(): void {
    this.#isForsaken = true;
    this.#connection.close();
  }

  #take(unit: Uint8Array): void {
    if (this.#over === undefined && !this.#isForsaken) this.frames.push(unit);
  }
}

/** As UDP: nobody is missed, and a datagram outlives a reboot. */
class DatagramLink implements Link, OpenLink {
  readonly label: string;
  readonly maxFrameBytes = MAX_FRAME_BYTES;
  readonly maxInFlight = MOST_IN_FLIGHT;
  readonly frames = new FrameQueue();
  readonly #far: Far;
  #connection: DeviceConnection | undefined;
  #isOver = false;
  #isForsaken = false;

  constructor(name: string, far: Far) {
    this.label = `datagrams:${name}`;
    this.#far = far;
  }

  async send(frame: Uint8Array): Promise<void> {
    if (this.#isForsaken) return await new Promise(() => undefined);
    if (this.#isOver) throw new SmpError("SMP_LINK_LOST", `${this.label} is closed`);
    this.#far.wire.carry("to device", Uint8Array.from(frame), (unit) => this.#arrive(unit));
  }

  async close(): Promise<void> {
    this.#isOver = true;
    this.frames.end();
  }

  lose(): void {}

  forsake(): void {
    this.#isForsaken = true;
  }

  #arrive(unit: Uint8Array): void {
    const { device, wire } = this.#far;
    if (device.state !== "application" && device.state !== "recovery") return;
    this.#connection ??= device.connect({
      frame: (frame) => wire.carry("to client", frame, (answer) => this.#take(answer)),
      lost: () => (this.#connection = undefined),
    });
    this.#connection.send(unit);
  }

  #take(unit: Uint8Array): void {
    if (!this.#isOver && !this.#isForsaken) this.frames.push(unit);
  }
}

/** The package's link through messages, whose far end plays frames to the device. */
function openFlow(name: string, { device, wire }: Far): Link & OpenLink {
  const channel = new FlowChannel();
  const ids = new Map<number, string>();
  let isForsaken = false;
  let connection: DeviceConnection | undefined;
  const answer = (unit: Uint8Array): void => {
    const id = unit.length < HEADER_BYTES ? undefined : ids.get(decodeHeader(unit).seq);
    if (!isForsaken) tolerantly(() => channel.take({ kind: "frames", device: name, id: id ?? "", frames: [unit] }));
  };
  const play = (unit: Uint8Array, id: string): void => {
    if (device.state !== "application" && device.state !== "recovery") return;
    if (unit.length >= HEADER_BYTES) ids.set(decodeHeader(unit).seq, id);
    connection ??= device.connect({
      frame: (frame) => wire.carry("to client", frame, answer),
      lost: () => (connection = undefined),
    });
    connection.send(unit);
  };
  channel.addInlet();
  channel.addOutlet({
    form: "envelope",
    emit: ({ id, frame }) => {
      if (!isForsaken) wire.carry("to device", Uint8Array.from(frame), (unit) => play(unit, id));
    },
  });
  return Object.assign(channel.open(name), {
    lose: () => undefined,
    forsake: () => {
      isForsaken = true;
      connection?.close();
    },
  });
}

/** What is for nobody is told to the flow, which goes on. */
function tolerantly(take: () => void): void {
  try {
    take();
  } catch (thrown) {
    if (!(thrown instanceof SmpError)) throw thrown;
  }
}

/** The package's serial link and framing, over a wire of lines. */
function openConsole({ device, wire }: Far): Link & OpenLink {
  const settings = { ...SERIAL_DEFAULTS, lineDelayMs: 0 };
  const link = new SerialLink({ key: "console", place: { kind: "path", path: "console" }, settings });
  let isForsaken = false;
  const line = new SerialLine(device, { framing: "console" }, (bytes) =>
    wire.carry("to client", bytes, (unit) => {
      if (!isForsaken) link.data(unit);
    }),
  );
  link.attach({
    write: async (bytes) => {
      if (isForsaken) return await new Promise(() => undefined);
      wire.carry("to device", Uint8Array.from(bytes), (unit) => line.take(unit));
    },
    close: async () => line.close(),
  });
  return Object.assign(link, {
    lose: (reason: string) => (isForsaken ? undefined : link.lost(new Error(reason))),
    forsake: () => {
      isForsaken = true;
      line.close();
    },
  });
}
