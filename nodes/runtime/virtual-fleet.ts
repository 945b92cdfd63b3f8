/**
 * The virtual devices of all pools of this process. Like hardware they outlive a deploy: a device goes on as it is until its
 * settings change or its pool is removed.
 */
import { readFileSync, statSync } from "node:fs";
import { messageOf, SmpError, VirtualDevice } from "../../src/index";
import type { DeviceSettings, HardwareSettings } from "./pool-settings";
import { FACTORY_SAMPLE, resolveSample } from "./sample";

interface Member {
  readonly settings: string;
  readonly device: VirtualDevice;
}

/** By id of the pool node, then by name of the device. */
const fleets = new Map<string, Map<string, Member>>();

/**
 * The devices of a pool, as they are now or fresh from the factory.
 * @throws SMP_BAD_SETTING when the factory's firmware cannot be read or a setting does not suit
 */
export function virtualFleet(poolId: string, devices: readonly DeviceSettings[], hardware: HardwareSettings) {
  const before = fleets.get(poolId) ?? new Map<string, Member>();
  const fleet = new Map<string, Member>();
  for (const device of devices) {
    const settings = JSON.stringify({ ...hardware, ...device });
    const member = before.get(device.name);
    fleet.set(device.name, member?.settings === settings ? member : { settings, device: build(device, hardware) });
  }
  fleets.set(poolId, fleet);
  for (const [name, { device }] of before) if (fleet.get(name)?.device !== device) device.close();
  return { find: (name: string) => fleet.get(name)?.device, names: () => [...fleet.keys()] };
}

export function removeFleet(poolId: string): void {
  fleets.get(poolId)?.forEach(({ device }) => device.close());
  fleets.delete(poolId);
}

function build({ name, trial }: DeviceSettings, hardware: HardwareSettings): VirtualDevice {
  const { factoryFirmware, ...rest } = hardware;
  return new VirtualDevice({ name, trial, slot0: readFactoryFirmware(factoryFirmware, rest.slotBytes), ...rest });
}

function readFactoryFirmware(setting: string, slotBytes: number): Uint8Array {
  try {
    const file = resolveSample(setting === "" ? FACTORY_SAMPLE : setting);
    const { size } = statSync(file);
    if (size > slotBytes) throw new Error(`its ${size} bytes do not fit into a slot of ${slotBytes} bytes`);
    return readFileSync(file);
  } catch (thrown) {
    throw new SmpError("SMP_BAD_SETTING", `factoryFirmware "${setting}" cannot be used: ${messageOf(thrown)}`, {
      field: "factoryFirmware",
      cause: thrown,
    });
  }
}
