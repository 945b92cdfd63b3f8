/** Looks before anything is sent: an upload that cannot work, or is not needed, must not erase a slot. */
import { DeviceError, SmpError } from "../errors";
import type { FirmwareInfo } from "../image/inspect";
import type { SmpSession } from "../session/types";
import { image as imageGroup } from "../smp/commands";
import type { Body } from "../smp/shape";
import { describeFirmware } from "./firmware";
import { isInRecovery, refuseInRecovery } from "./recovery";
import {
  describeSlot,
  describeState,
  holds,
  isUpToDate,
  pendingSlot,
  requestStateList,
  slotWithHash,
  toImageState,
  trialRunning,
} from "./state";
import type { Firmware, ImageState, UploadResult } from "./types";

export interface Preflight {
  readonly images: ImageState;
  /** Why nothing has to be sent; undefined when it has to. */
  readonly outcome: Exclude<UploadResult["outcome"], "uploaded"> | undefined;
}

export interface PreflightOptions {
  /** Number of the image that the file is for. */
  readonly image: number;
  readonly upgradeOnly: boolean;
  readonly allowRecovery: boolean;
  readonly signal: AbortSignal | undefined;
}

type SlotInfo = Body<typeof imageGroup.slotInfo.response>["images"];

/**
 * @throws SMP_BAD_INPUT (no such image), SMP_TRIAL_RUNNING, SMP_IMAGE_PENDING, SMP_IN_RECOVERY, SMP_BAD_IMAGE,
 *   SMP_IMAGE_TOO_LARGE, and as `SmpSession.request`
 */
export async function preflight(
  session: SmpSession,
  info: FirmwareInfo,
  options: PreflightOptions,
): Promise<Preflight> {
  const { image, signal } = options;
  const list = await requestStateList(session, { signal });
  const images = toImageState(list);
  // Servers of one image leave the number out and would put any image into their one secondary slot.
  const countsImages = list.images.length === 0 || list.images.some((entry) => entry.image !== undefined);
  if (image > 0 && !countsImages) throw noSuchImage(image, [0]);

  const outcome = whyNotNeeded(images, describeFirmware(info, image));
  if (outcome) return { images, outcome };
  refuseUnusable(info);
  if (await isInRecovery(session, list, signal)) refuseInRecovery(images, options);
  const slots = await readSlotInfo(session, signal);
  if (slots) refuseMisfit(slots, info, image);
  return { images, outcome: undefined };
}

/**
 * Whether the device has the image already.
 * @throws SMP_TRIAL_RUNNING or SMP_IMAGE_PENDING when the slot for it is in use (protocol: Zephyr `img_mgmt_slot_in_use`)
 */
export function whyNotNeeded(state: ImageState, wanted: Firmware): Preflight["outcome"] {
  if (isUpToDate(state, wanted)) return "already-current";
  refuseDuringTrial(state, wanted);
  const pending = pendingSlot(state, wanted.image);
  if (pending && !holds(pending, wanted)) throw imagePending(pending);
  return slotWithHash(state, wanted) ? "already-in-slot" : undefined;
}

function refuseDuringTrial(state: ImageState, wanted: Firmware): void {
  const running = trialRunning(state, wanted.image);
  if (!running) return;
  const { trial, fallback } = running;
  let hint: string | undefined;
  if (holds(trial, wanted)) hint = "This very image runs on trial: confirm it.";
  if (holds(fallback, wanted)) hint = "Reset the device: it goes back to this very image.";
  throw new SmpError(
    "SMP_TRIAL_RUNNING",
    `the device runs ${trial.version} on trial and keeps ${fallback.version} to fall back to, so that no slot is free (${describeState(state)})`,
    hint === undefined ? {} : { hint },
  );
}

function imagePending(pending: ImageState[number]): SmpError {
  return new SmpError("SMP_IMAGE_PENDING", `another image waits for the next reset in ${describeSlot(pending)}`);
}

function refuseUnusable(info: FirmwareInfo): void {
  if (info.nonBootable) {
    throw new SmpError("SMP_BAD_IMAGE", `${info.label} is marked as not bootable: MCUboot would never install it`);
  }
  if (info.trailer?.kind === "confirmed") {
    throw new SmpError("SMP_BAD_IMAGE", `${info.label} would be permanent at once: ${info.trailer.explanation}`);
  }
}

/** Undefined when the device does not tell, as most of one image. */
async function readSlotInfo(session: SmpSession, signal: AbortSignal | undefined): Promise<SlotInfo | undefined> {
  try {
    return (await session.request(imageGroup.slotInfo, {}, { signal })).images;
  } catch (error) {
    if (error instanceof DeviceError) return undefined;
    throw error;
  }
}

function refuseMisfit(slots: SlotInfo, info: FirmwareInfo, image: number): void {
  const numbers = slots.map((entry) => entry.image);
  const entry = slots.find((each) => each.image === image);
  if (!entry) throw noSuchImage(image, numbers);
  const sizes = entry.slots.flatMap(({ size }) => (size === undefined ? [] : [size]));
  const maxBytes = entry.max_image_size ?? Math.max(...sizes);
  // Without any size the maximum is -Infinity: nothing is known then.
  if (maxBytes < 0 || info.sizeBytes <= maxBytes) return;
  const place = entry.max_image_size === undefined ? "the slots have" : "the largest image that can be swapped has";
  throw new SmpError(
    "SMP_IMAGE_TOO_LARGE",
    `${info.label} has ${info.sizeBytes} bytes, ${place} ${maxBytes} bytes (${info.sizeBytes - maxBytes} too many)`,
    {
      limit: maxBytes,
      ...(info.trailer && { hint: `Use the file without padding, zephyr.signed.bin. ${info.trailer.explanation}` }),
    },
  );
}

function noSuchImage(image: number, numbers: readonly number[]): SmpError {
  return new SmpError(
    "SMP_BAD_INPUT",
    `the device has no image ${image}, it has ${numbers.length === 1 ? "image" : "images"} ${numbers.join(", ")}`,
    { field: "image" },
  );
}
