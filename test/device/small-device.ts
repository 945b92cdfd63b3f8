/** Devices with slots so small that a swap takes a few dozen flash operations, and how their state reads in a test. */
import assert from "node:assert/strict";
import { DeviceImages } from "../../src/device/images";
import type { DeviceImagesOptions, SlotContent } from "../../src/device/image-options";
import type { ImageStore, SwapType } from "../../src/device/image-store";
import { buildImage, hashOf } from "../build-image";

export const SMALL = { pageBytes: 2048, slotBytes: 8 * 2048 } as const;

/** Three and two pages long. */
export const A = buildImage({ version: "1.0.0", payloadBytes: 5000 });
export const B = buildImage({ version: "2.0.0", payloadBytes: 3000 });

export function smallDevice(options: DeviceImagesOptions = {}): DeviceImages {
  return new DeviceImages({ ...SMALL, contents: [{ slot: 0, bytes: A }], ...options });
}

/** As an upload does it: erase, then write. */
export function upload(device: ImageStore, file: Uint8Array, image = 0): void {
  const slot = device.slot(image, 1 - device.activeSlot(image));
  slot.erase(0, slot.sizeBytes);
  slot.write(0, file);
}

/** Uploads `file`, marks it and resets: what the bootloader did. */
export function install(device: DeviceImages, file: Buffer, confirm: boolean): ReturnType<DeviceImages["boot"]> {
  upload(device, file);
  device.setState(hashOf(file), confirm);
  return device.boot();
}

/** A device with A and B in its slots and the swap type given. */
export function inSituation(situation: SwapType, options: DeviceImagesOptions = {}): DeviceImages {
  const device = smallDevice(options);
  upload(device, B);
  if (situation !== "none") device.setState(hashOf(B), situation === "permanent");
  if (situation === "revert") device.boot();
  assert.equal(device.swapType(0), situation);
  return device;
}

/** "0: 1.0.0 active confirmed", a line for each listed slot; the image number leads when there are several. */
export function shown(device: ImageStore): string[] {
  return device.list().map(({ image, slot, version, active, confirmed, pending, permanent }) => {
    const flags = Object.entries({ active, confirmed, pending, permanent }).filter(([, set]) => set);
    const place = device.imageCount > 1 ? `${image}.${slot}` : `${slot}`;
    return [`${place}: ${version}`, ...flags.map(([name]) => name)].join(" ");
  });
}

/** The file as `imgtool sign --pad` makes it, with `--confirm` if wanted. */
export function padded(file: Uint8Array, slotBytes: number, confirm: boolean): Buffer {
  const slot = Buffer.alloc(slotBytes, 0xff);
  slot.set(file);
  slot.set(Buffer.from("77c295f360d2ef7f3552500f2cb67980", "hex"), slotBytes - 16);
  if (confirm) slot[slotBytes - 24] = 1;
  return slot;
}

export function contents(
  ...files: readonly (readonly [image: number, slot: 0 | 1, bytes: Uint8Array])[]
): SlotContent[] {
  return files.map(([image, slot, bytes]) => ({ image, slot, bytes }));
}
