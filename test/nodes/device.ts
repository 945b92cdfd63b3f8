/** The virtual device behind a pool of a running flow: to break it, and to see what became of it. */
import type { VirtualDevice } from "../../src/index";
import { readPoolSettings, type PoolConfig } from "../../nodes/runtime/pool-settings";
import { virtualFleet } from "../../nodes/runtime/virtual-fleet";
import type { FlowNode } from "../node-red";

export function deviceOf(pool: FlowNode, name = "sensor-1"): VirtualDevice {
  const { devices, hardware } = readPoolSettings(pool as unknown as PoolConfig);
  // A fleet with the same settings is the one that the pool has.
  return virtualFleet(pool.id, devices, hardware).find(name)!;
}

/** "1.0.0 active confirmed, 1.5.0 pending": lower slot first. */
export function stateOf(device: VirtualDevice): string {
  const flags = ["active", "confirmed", "pending"] as const;
  const slots = device.store.list().map((slot) => [slot.version, ...flags.filter((flag) => slot[flag])].join(" "));
  return slots.join(", ");
}
