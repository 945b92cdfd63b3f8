/** A virtual peripheral: what it advertises, how it behaves, and the device behind its SMP characteristic. */
import type { AirLink } from "./air-link";

/** Steps of a connection at which a peripheral can vanish. */
export type Step = "connect" | "mtu" | "services" | "characteristics" | "subscription-read" | "subscription-write";

export interface Behaviour {
  readonly name: string | undefined;
  /** "c0:ff:ee:00:00:01". */
  readonly address: string;
  /** Of the server, in bytes. */
  readonly mtu: number;
  readonly advertisesSmp: boolean;
  readonly isConnectable: boolean;
  readonly hasSmp: boolean;
  /** The MTU request: answered, refused as not supported (0x06), as an invalid PDU (0x04), or not answered. */
  readonly mtuExchange: "accept" | "refuse" | "invalid" | "silent";
  /** ATT error to the write that switches notifications on. */
  readonly subscriptionError: number | undefined;
  readonly pairing: "fails" | "silent";
  readonly vanishesAt: Step | undefined;
  /** How often it vanishes there. */
  readonly vanishTimes: number;
  /** CONFIG_MCUMGR_TRANSPORT_BT_REASSEMBLY with a buffer of so many bytes; undefined: every write is a whole frame. */
  readonly reassemblyBytes: number | undefined;
  /** Notifications carry at most so many bytes, as when a stack is short of buffers. */
  readonly notifyBytes: number;
  /** One notification in so many is lost. */
  readonly losesNotification: number | undefined;
  /** Connection events: how far apart, and how many packets go each way in one; 0: at once. */
  readonly intervalMs: number;
  readonly packetsPerEvent: number;
}

const USUAL: Omit<Behaviour, "address"> = {
  name: undefined,
  mtu: 498,
  advertisesSmp: true,
  isConnectable: true,
  hasSmp: true,
  mtuExchange: "accept",
  subscriptionError: undefined,
  pairing: "fails",
  vanishesAt: undefined,
  vanishTimes: Infinity,
  reassemblyBytes: 2475,
  notifyBytes: Infinity,
  losesNotification: undefined,
  intervalMs: 0,
  packetsPerEvent: 6,
};

/** What has the SMP characteristic in front of it; the virtual device is one. */
export interface Server {
  /** Whether the firmware runs, and so advertises. */
  readonly isOn: boolean;
  connect(client: { frame(frame: Uint8Array): void; lost(reason: unknown): void }): {
    send(packet: Uint8Array): void;
    close(): void;
  };
}

export class VirtualPeripheral {
  behaviour: Behaviour;
  readonly server: Server;
  link: AirLink | undefined;
  /** Links that were made to it so far. */
  connections = 0;
  /** Sizes of the writes that reached its characteristic. */
  readonly writes: number[] = [];
  /** Times that somebody switched its notifications on. */
  subscriptions = 0;

  constructor(server: Server, behaviour: Partial<Behaviour> & Pick<Behaviour, "address">) {
    this.server = server;
    this.behaviour = { ...USUAL, ...behaviour };
  }

  get isAdvertising(): boolean {
    return this.server.isOn && this.link === undefined;
  }

  /** @returns true once for each time that it is to vanish at this step */
  vanishes(step: Step): boolean {
    const { vanishesAt, vanishTimes } = this.behaviour;
    if (vanishesAt !== step || vanishTimes <= 0) return false;
    this.behaviour = { ...this.behaviour, vanishTimes: vanishTimes - 1 };
    return true;
  }

  /** Its link ends without a word, as when it loses power. */
  vanish(reason = 0x08): void {
    this.link?.lose(reason);
  }
}
