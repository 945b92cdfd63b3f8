/** What lies at the other end of a flow: virtual devices, and a way there that can lose, double, delay and reorder. */
import type { DeviceConnection } from "../src/device/connection";
import type { VirtualDevice } from "../src/device/device";
import { decodeHeader } from "../src/smp/header";

/** Plays frames to devices, as a gateway does, each id once, and gives what they answer. */
export class FarDevices {
  readonly #devices: ReadonlyMap<string, VirtualDevice>;
  readonly #connections = new Map<string, DeviceConnection>();
  /** The id of the last request with each sequence number of each device. */
  readonly #ids = new Map<string, string>();
  readonly #played = new Set<string>();
  readonly #answer: (device: string, id: string, frame: Uint8Array) => void;

  constructor(
    devices: ReadonlyMap<string, VirtualDevice>,
    answer: (device: string, id: string, frame: Uint8Array) => void,
  ) {
    this.#devices = devices;
    this.#answer = answer;
  }

  /** While the device is away, frames vanish. */
  play(device: string, id: string, frame: Uint8Array): void {
    if (this.#played.has(id)) return;
    this.#played.add(id);
    this.#ids.set(`${decodeHeader(frame).seq} ${device}`, id);
    try {
      this.#connection(device)?.send(frame);
    } catch {
      this.#connections.delete(device);
    }
  }

  #connection(name: string): DeviceConnection | undefined {
    const known = this.#connections.get(name);
    if (known) return known;
    const connection = this.#devices.get(name)?.connect({
      frame: (frame) => this.#answer(name, this.#ids.get(`${decodeHeader(frame).seq} ${name}`) ?? "", frame),
      lost: () => this.#connections.delete(name),
    });
    if (connection) this.#connections.set(name, connection);
    return connection;
  }
}
