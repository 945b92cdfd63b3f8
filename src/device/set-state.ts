/** Image state write: the decisions of Zephyr's `img_mgmt_set_next_boot_slot` and MCUboot's `boot_set_next`. */
import { DIRECT, type NorFlash } from "./flash";
import type { ImageOptions } from "./image-options";
import { ImageRefusal, type SwapType } from "./image-store";
import { readTrailer, TrailerWriter } from "./trailer";

const RC = {
  HASH_NOT_FOUND: 8,
  INVALID_IMAGE_HEADER_MAGIC: 23,
  INVALID_HASH: 24,
  IMAGE_ALREADY_PENDING: 28,
  INVALID_IMAGE_VECTOR_TABLE: 29,
  IMAGE_CONFIRMATION_DENIED: 32,
  IMAGE_SETTING_TEST_TO_ACTIVE_DENIED: 33,
} as const;

/** The image whose application answers. */
export const RUNNING_IMAGE = 0;

/** The slot that a request names, and what its image's trailers say. */
export interface StateTarget {
  readonly image: number;
  readonly isActive: boolean;
  readonly type: SwapType;
  readonly flash: NorFlash;
}

/**
 * Which slot a request means: the one with this image hash, or the running one.
 * @throws ImageRefusal 24 for a hash that cannot be one, 8 when no slot has it
 */
export function findTarget(
  options: ImageOptions,
  slots: { running: () => StateTarget; withHash: (hash: Uint8Array) => StateTarget | undefined },
  request: { readonly hash: Uint8Array | undefined; readonly confirm: boolean },
): StateTarget {
  const { hash, confirm } = request;
  if (!hash?.length && confirm) return slots.running();
  if (hash?.length !== options.hashBytes) throw new ImageRefusal(RC.INVALID_HASH);
  const target = slots.withHash(hash);
  if (!target) throw new ImageRefusal(RC.HASH_NOT_FOUND);
  return target;
}

/** Marks the slot for test or confirms it. @throws ImageRefusal */
export function writeState(options: ImageOptions, target: StateTarget, confirm: boolean): void {
  if (confirm) checkMayConfirm(options, target);
  else if (target.isActive) throw new ImageRefusal(RC.IMAGE_SETTING_TEST_TO_ACTIVE_DENIED);
  if (options.mode === "direct-xip-revert") return markInPlace(target.flash, confirm);
  if (!isAlreadySo(target, confirm)) markForSwap(target, confirm);
}

function checkMayConfirm(options: ImageOptions, { image, isActive }: StateTarget): void {
  if (options.mode === "direct-xip-revert") return;
  const isOtherImage = image !== RUNNING_IMAGE && !options.allowConfirmNonActiveImageAny;
  const isDenied =
    (isOtherImage && (isActive || !options.allowConfirmNonActiveImageSecondary)) ||
    (!isActive && !options.allowConfirmNonActiveSlot);
  if (isDenied) throw new ImageRefusal(RC.IMAGE_CONFIRMATION_DENIED);
}

/** True when nothing is to be done, false when the trailer must be written. */
function isAlreadySo({ isActive, type }: StateTarget, confirm: boolean): boolean {
  switch (type) {
    case "none":
      return confirm && isActive;
    case "test":
      if (!confirm) return true;
      break;
    case "permanent":
      if (confirm && !isActive) return true;
      break;
    case "revert":
      if (confirm) return !isActive;
      break;
  }
  throw new ImageRefusal(RC.IMAGE_ALREADY_PENDING);
}

/** `boot_set_next` of bootloaders that run every image from slot 0. */
export function markForSwap({ flash, image, isActive }: StateTarget, confirm: boolean): void {
  const { magic, imageOk } = readTrailer(flash);
  const trailer = new TrailerWriter(DIRECT, flash);
  if (magic === "bad") {
    throw new ImageRefusal(isActive ? RC.INVALID_IMAGE_VECTOR_TABLE : RC.INVALID_IMAGE_HEADER_MAGIC);
  }
  if (isActive) {
    // A slot programmed without a trailer counts as confirmed already.
    if (magic === "good" && imageOk === "unset") trailer.imageOk();
    return;
  }
  if (magic === "good") return;
  trailer.magic();
  if (confirm) trailer.imageOk();
  trailer.swapInfo(confirm ? "permanent" : "test", image);
}

/** `boot_set_next` of direct-XIP with revert. */
export function markInPlace(flash: NorFlash, confirm: boolean): void {
  const { magic, imageOk, copyDone } = readTrailer(flash);
  const trailer = new TrailerWriter(DIRECT, flash);
  if (magic === "bad") throw new ImageRefusal(RC.INVALID_IMAGE_HEADER_MAGIC);
  if (magic === "unset") trailer.magic();
  if (!confirm) return;
  if (copyDone === "unset") trailer.copyDone();
  if (imageOk === "unset") trailer.imageOk();
}
