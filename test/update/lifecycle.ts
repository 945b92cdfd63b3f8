/** The steps after an upload, short to write, on a device with image B uploaded. */
import { confirmImage } from "../../src/update/confirm-image";
import { resetDevice, type ResetOptions } from "../../src/update/reset-device";
import { readImageState } from "../../src/update/recovery";
import { testImage } from "../../src/update/test-image";
import type { ImageState, ResetResult } from "../../src/update/types";
import { hashOf } from "../build-image";
import { B, type Bench, type BenchOptions } from "./bench";

export const HASH_B = hashOf(B).toString("hex");
export const UPLOADED: BenchOptions = { slot1: B };

/** "0 1.0.0 active confirmed" for each slot. */
export function flags(state: ImageState): string[] {
  const names = ["active", "confirmed", "pending", "permanent"] as const;
  return state.map((slot) => [slot.slot, slot.version, ...names.filter((name) => slot[name])].join(" "));
}

export function test(bench: Bench, hash = HASH_B): Promise<ImageState> {
  return bench.run((device) => testImage(device, { hash }));
}

export function reset(bench: Bench, options: ResetOptions = {}): Promise<ResetResult> {
  return bench.run((device) => resetDevice(device, options));
}

export function confirm(bench: Bench, hash = HASH_B): Promise<ImageState> {
  return bench.run((device) => confirmImage(device, { hash }));
}

export function read(bench: Bench): Promise<ImageState> {
  return bench.run(async (device) => readImageState(await device.session()));
}
