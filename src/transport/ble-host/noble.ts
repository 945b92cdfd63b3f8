/**
 * The part of noble's interface that is used, as both forks have it. Methods are called without callbacks, since noble
 * would keep those that are never answered and mix them up with the next call's; answers are awaited as events.
 */
import type { EventEmitter } from "node:events";

/** Events: stateChange(state), warning(text), discover(peripheral), scanStart, scanStop. */
export interface Noble extends EventEmitter {
  startScanning(services: string[], allowDuplicates: boolean): void;
  stopScanning(): void;
}

/** Events: connect(error?), disconnect(reason?), servicesDiscover(services, error?). */
export interface Peripheral extends EventEmitter {
  /** The address without colons, or what the system uses instead. */
  readonly id: string;
  readonly address: string;
  /** A bit of the advertisement's type where advertising is extended. */
  readonly connectable: boolean | number;
  readonly advertisement: { readonly localName?: string; readonly serviceUuids?: readonly string[] };
  readonly rssi: number;
  readonly state: string;
  /** What the peer offered in the MTU exchange; never reset by noble, never set on macOS and Windows. */
  mtu: number | null;
  connect(options: ConnectOptions): void;
  cancelConnect?(): void;
  /** For connected peripherals only: on others it may drop the link of a neighbour. */
  disconnect(): void;
  discoverServices(uuids: string[]): void;
}

/** Events: characteristicsDiscover(characteristics, error?). */
export interface Service extends EventEmitter {
  readonly uuid: string;
  discoverCharacteristics(uuids: string[]): void;
}

/** Events: data(bytes, isNotification), notify(state, error?), write(error?). */
export interface Characteristic extends EventEmitter {
  readonly uuid: string;
  readonly properties: readonly string[];
  subscribe(): void;
  unsubscribe(): void;
  write(data: Buffer, withoutResponse: boolean): void;
}

export interface ConnectOptions {
  /** In units of 1.25 ms. */
  readonly minInterval: number;
  readonly maxInterval: number;
  readonly latency: number;
  /** Supervision timeout in units of 10 ms. */
  readonly timeout: number;
  readonly mtu?: number;
}

/** What noble's HCI layer sees pass by and keeps to itself. */
export type LinkLayerEvent =
  | { readonly type: "att-error"; readonly request: number; readonly code: number }
  | { readonly type: "pairing-failed"; readonly reason: number }
  | ConnectionParameters;

export interface ConnectionParameters {
  readonly type: "parameters";
  readonly intervalMs: number;
  readonly supervisionTimeoutMs: number;
}

export interface Driver {
  readonly name: "abandonware" | "stoprocent";
  readonly noble: Noble;
  /** The ATT MTU that this driver asks for, in bytes. */
  readonly askedMtu: number;
  readonly connectOptions: ConnectOptions;
  /** Tells what happens on the links, with the peripheral's id; nothing where there is no HCI (macOS, Windows, D-Bus). */
  onLinkLayer: (id: string, event: LinkLayerEvent) => void;
  /** To be called once the adapter is on. */
  prepare(): void;
  /** Ids of the peripherals that noble remembers. */
  known(): readonly string[];
  /** Makes noble forget a peripheral that is not connected. */
  forget(id: string): void;
}
