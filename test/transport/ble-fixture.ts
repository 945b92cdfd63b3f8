/** Peripherals with hand-driven or virtual devices behind them, in one air per driver. */
import { SmpError } from "../../src/errors";
import { VirtualDevice } from "../../src/device/device";
import type { VirtualDeviceOptions } from "../../src/device/options";
import type { HostProcessOptions } from "../../src/transport/ble-host-process";
import { type BleSettings, type BleTransport, bleTransport } from "../../src/transport/ble";
import { Air } from "../ble-controller/air";
import { type Behaviour, type Server, VirtualPeripheral } from "../ble-controller/peripheral";

export const DRIVERS = ["abandonware", "stoprocent"] as const;

/** Transports, peripherals and devices of one test, ended together. */
export class BleWorld {
  readonly air = new Air();
  readonly #transports: BleTransport[] = [];
  readonly #devices: VirtualDevice[] = [];

  transport(settings: BleSettings, env: NodeJS.ProcessEnv = {}, options: HostProcessOptions = {}): BleTransport {
    const made = bleTransport({ scanMs: 3_000, ...settings }, { ...this.air.options(env), ...options });
    this.#transports.push(made);
    return made;
  }

  add(server: Server, behaviour: Partial<Behaviour> = {}): VirtualPeripheral {
    const number = this.air.peripherals.length + 1;
    const address = `c0:ff:ee:00:00:${number.toString(16).padStart(2, "0")}`;
    const peripheral = new VirtualPeripheral(server, { address, name: `sensor-${number}`, ...behaviour });
    this.air.peripherals.push(peripheral);
    return peripheral;
  }

  addDevice(
    options: Partial<VirtualDeviceOptions>,
    behaviour: Partial<Behaviour> = {},
  ): { device: VirtualDevice; peripheral: VirtualPeripheral } {
    const device = new VirtualDevice({ name: `device-${this.#devices.length + 1}`, ...options });
    this.#devices.push(device);
    const server: Server = {
      get isOn() {
        return device.state === "application";
      },
      connect: (client) => device.connect(client),
    };
    return { device, peripheral: this.add(server, behaviour) };
  }

  /** Between tests: the process with the adapter goes on. */
  clear(): void {
    for (const peripheral of this.air.peripherals.splice(0)) peripheral.vanish();
    for (const device of this.#devices.splice(0)) device.close();
  }

  async close(): Promise<void> {
    this.clear();
    for (const transport of this.#transports) transport.stop();
    await this.air.close();
  }
}

/** A server under the test's control. */
export class PassiveServer implements Server {
  readonly received: Uint8Array[] = [];
  isOn = true;
  #client: Parameters<Server["connect"]>[0] | undefined;

  connect(client: Parameters<Server["connect"]>[0]) {
    this.#client = client;
    return {
      send: (packet: Uint8Array) => void this.received.push(Uint8Array.from(packet)),
      close: () => (this.#client = undefined),
    };
  }

  send(frame: Uint8Array): void {
    this.#client?.frame(frame);
  }

  vanish(): void {
    this.#client?.lost("it lost power");
  }
}

export const FOREVER = new AbortController().signal;

export async function failure(work: () => Promise<unknown>): Promise<SmpError> {
  try {
    await work();
  } catch (error) {
    if (error instanceof SmpError) return error;
    throw error;
  }
  throw new Error("expected a failure");
}

/** Gives up after 15 s: a poll without end would keep a failed test's process alive. */
export async function until(condition: () => boolean): Promise<void> {
  for (let polls = 0; !condition(); polls++) {
    if (polls > 3_000) throw new Error("what was waited for did not happen");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
