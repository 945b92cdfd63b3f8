/** What a device tells about itself that matters for a firmware. */
import { DeviceError, hasCode } from "../errors";
import type { SmpSession } from "../session/types";
import { image as imageGroup, os } from "../smp/commands";
import type { Body } from "../smp/shape";
import { readImageState } from "./recovery";
import type { ImageState } from "./types";

export type SlotInfo = Body<typeof imageGroup.slotInfo.response>["images"];

/** What a device says of itself before an update. */
export interface DeviceFacts {
  readonly images: ImageState;
  /** Undefined when the device does not tell, as most of one image. */
  readonly slots: SlotInfo | undefined;
  /** One of `BOOT_MODE`; undefined when the device does not tell. */
  readonly bootMode: number | undefined;
  /** The bootloader refuses firmware that is older than what runs. */
  readonly noDowngrade: boolean;
}

/** @throws as `SmpSession.request` */
export async function readDeviceFacts(session: SmpSession, signal?: AbortSignal): Promise<DeviceFacts> {
  const images = await readImageState(session, signal);
  return { images, ...(await readHardware(session, signal)) };
}

/** All but the images. @throws as `SmpSession.request` */
export async function readHardware(session: SmpSession, signal?: AbortSignal): Promise<Omit<DeviceFacts, "images">> {
  const slots = await ifTold(async () => (await session.request(imageGroup.slotInfo, {}, { signal })).images);
  const boot = await ifTold(() => session.request(os.bootloaderInfo, { query: "mode" }, { signal }));
  return { slots, bootMode: boot?.mode, noDowngrade: boot?.["no-downgrade"] === true };
}

/** Undefined when the device refuses, or answers what no Zephyr server does: neither is needed for an update. */
async function ifTold<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof DeviceError) return undefined;
    if (hasCode(error, "SMP_BAD_RESPONSE")) return undefined;
    throw error;
  }
}
