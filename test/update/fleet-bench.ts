/** Several small virtual devices behind one pool, in real time. */
import { VirtualDevice } from "../../src/device/device";
import type { VirtualDeviceOptions } from "../../src/device/options";
import { createPool } from "../../src/session/pool";
import type { SessionPool } from "../../src/session/types";
import { virtualTransport } from "../../src/transport/virtual";
import { Fleet } from "../../src/update/fleet";
import type { FleetOptions } from "../../src/update/fleet-types";
import { SMALL, SMALL_FILE } from "./bench";
import { partsOf } from "./parts";

export class FleetBench {
  readonly pool: SessionPool;
  readonly names: string[];
  readonly #devices: Map<string, VirtualDevice>;

  constructor(count: number, options: Record<number, Omit<VirtualDeviceOptions, "name">> = {}) {
    this.names = Array.from({ length: count }, (_, index) => `d${index}`);
    const { linkBytes: _, ...small } = SMALL;
    this.#devices = new Map(
      this.names.map((name, index) => [name, new VirtualDevice({ ...small, ...options[index], name })]),
    );
    this.pool = createPool(virtualTransport({ find: (name) => this.#devices.get(name), names: () => this.names }), {
      maxSessions: count,
    });
  }

  async fleet(options: Partial<FleetOptions> = {}, devices: readonly string[] = this.names): Promise<Fleet> {
    return new Fleet(this.pool, devices, { parts: await partsOf(SMALL_FILE), ...options });
  }

  /** "1.1.0 confirmed": what a device runs. */
  runs(name: string): string {
    const slot = this.#devices
      .get(name)!
      .store.list()
      .find(({ active }) => active);
    return `${slot?.version} ${slot?.confirmed ? "confirmed" : "on trial"}`;
  }

  async close(): Promise<void> {
    await this.pool.close();
    for (const device of this.#devices.values()) device.close();
  }
}
