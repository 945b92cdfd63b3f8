/** A flow with an update node; with three devices, of which one crashes on trial, unless another pool is given. */
import { join } from "node:path";
import { packageDir, type FlowNode } from "../node-red";
import { pool, surrounded, tab, type Msg } from "./flow";

export const POOL = pool({
  devices: [
    { name: "one", trial: "healthy" },
    { name: "two", trial: "healthy" },
    { name: "bad", trial: "crashing" },
  ],
});
export const NEW = "1.5.0 active confirmed, 1.0.0";
export const OLD = "1.0.0 active confirmed, 1.5.0";

export const IMAGE = join(packageDir, "test/images/ed25519-1.5.0.bin");

export function flowOf(properties: object = {}, devices = POOL): FlowNode[] {
  return [
    tab,
    devices,
    ...surrounded("up", "smp-update", {
      pool: "pool",
      device: "smp.device",
      deviceType: "msg",
      firmware: "sample:1.5.0",
      firmwareType: "str",
      image: "0",
      imageType: "num",
      ...properties,
    }),
  ];
}

export function to(device: unknown, more: object = {}): Msg {
  return { smp: { device, ...more } };
}

export function verdictsOf({ payload }: Msg): unknown {
  return payload.devices.map(({ device, verdict }: Msg) => [device, verdict]);
}
