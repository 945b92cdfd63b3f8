/** A client's link to a virtual device, with datagram boundaries as UDP and Bluetooth LE without reassembly have them. */
import type { Exchange } from "./exchange";

export interface DeviceListener {
  /** An answer, or whatever a fault made of it. */
  frame(frame: Uint8Array): void;
  /** The device is gone; nothing comes any more. */
  lost(reason: string): void;
}

export interface DeviceConnection {
  /** Hands a packet to the device; without effect when the connection is closed or lost. */
  send(packet: Uint8Array): void;
  /** Idempotent; `lost` is not called. */
  close(): void;
}

/** The device's end of a connection. */
export class OpenConnection implements DeviceConnection {
  readonly #listener: DeviceListener;
  readonly #receive: (packet: Uint8Array, from: OpenConnection) => void;
  readonly #onClose: (connection: OpenConnection) => void;
  #isOpen = true;

  constructor(
    listener: DeviceListener,
    device: {
      receive: (packet: Uint8Array, from: OpenConnection) => void;
      onClose: (connection: OpenConnection) => void;
    },
  ) {
    this.#listener = listener;
    this.#receive = device.receive;
    this.#onClose = device.onClose;
  }

  send(packet: Uint8Array): void {
    if (this.#isOpen) this.#receive(packet.slice(), this);
  }

  close(): void {
    this.#isOpen = false;
    this.#onClose(this);
  }

  /** Passes an answer on, as the faults of its exchange have it. */
  answer(exchange: Exchange, frame: Uint8Array): void {
    for (const changed of exchange.answers(frame)) {
      if (this.#isOpen) this.#listener.frame(changed);
    }
  }

  lose(reason: string): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#listener.lost(reason);
  }
}
