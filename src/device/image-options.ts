/** How a virtual device's flash, bootloader and image management are built; named after Kconfig where it has a name. */
import { SmpError } from "../errors";
import { NorFlash } from "./flash";
import type { HashBytes, SlotImage } from "./slot-image";
import { trailerPages } from "./trailer";

export type SwapMode = "swap-move" | "swap-scratch" | "swap-offset";
export type BootMode = SwapMode | "overwrite" | "direct-xip" | "direct-xip-revert";

/** Modes that exchange the two slots, and can so go back. */
export function isSwapMode(mode: BootMode): mode is SwapMode {
  return mode === "swap-move" || mode === "swap-scratch" || mode === "swap-offset";
}

/** What a slot holds when the device is made, trailer included if the file has one. */
export interface SlotContent {
  /** Default 0. */
  readonly image?: number;
  readonly slot: 0 | 1;
  readonly bytes: Uint8Array;
}

export interface DeviceImagesOptions {
  /** Default "swap-move". */
  readonly mode?: BootMode;
  /** Default 1. */
  readonly imageCount?: 1 | 2;
  /** Bytes of each slot, a whole number of pages. Default 512 KiB. */
  readonly slotBytes?: number;
  /** Default 4096. */
  readonly pageBytes?: number;
  readonly contents?: readonly SlotContent[];
  /** Default 32, SHA-256. */
  readonly hashBytes?: HashBytes;
  /** The signature check: false and the bootloader erases the image. Default: every image is accepted. */
  readonly acceptsImage?: (image: SlotImage) => boolean;
  /** An older image is erased: by version number, or by security counter TLV. Default: downgrades are allowed. */
  readonly downgradePrevention?: "version" | "security-counter";
  /** The slots' sectors do not match: nothing is ever swapped. Default false. */
  readonly cannotSwap?: boolean;
  /** MCUMGR_GRP_IMG_ALLOW_ERASE_PENDING: upload and erase may replace a pending image. Default false. */
  readonly allowErasePending?: boolean;
  /** MCUMGR_GRP_IMG_ALLOW_CONFIRM_NON_ACTIVE_IMAGE_ANY. Default false. */
  readonly allowConfirmNonActiveImageAny?: boolean;
  /** MCUMGR_GRP_IMG_ALLOW_CONFIRM_NON_ACTIVE_IMAGE_SECONDARY. Default true. */
  readonly allowConfirmNonActiveImageSecondary?: boolean;
  /** MCUMGR_GRP_IMG_ALLOW_CONFIRM_NON_ACTIVE_SLOT, Zephyr 4.3 and later: false forbids "permanent". Default true. */
  readonly allowConfirmNonActiveSlot?: boolean;
  /** State write and list as in Zephyr up to 3.3. Default false. */
  readonly legacyState?: boolean;
}

export type ImageOptions = Required<Omit<DeviceImagesOptions, "downgradePrevention">> &
  Pick<DeviceImagesOptions, "downgradePrevention">;

/** @throws SMP_BAD_SETTING for slots that flash cannot have */
export function completeOptions(options: DeviceImagesOptions): ImageOptions {
  const complete: ImageOptions = {
    mode: "swap-move",
    imageCount: 1,
    slotBytes: 512 * 1024,
    pageBytes: 4096,
    contents: [],
    hashBytes: 32,
    acceptsImage: () => true,
    cannotSwap: false,
    allowErasePending: false,
    allowConfirmNonActiveImageAny: false,
    allowConfirmNonActiveImageSecondary: true,
    allowConfirmNonActiveSlot: true,
    legacyState: false,
    ...options,
  };
  checkLayout(complete);
  for (const content of complete.contents) checkContent(complete, content);
  return complete;
}

function checkLayout({ slotBytes, pageBytes }: ImageOptions): void {
  if (slotBytes % pageBytes !== 0) {
    throw new SmpError(
      "SMP_BAD_SETTING",
      `the virtual device cannot have slots of ${slotBytes} bytes in pages of ${pageBytes} bytes`,
      { field: "slotBytes", hint: "Give a whole number of flash pages." },
    );
  }
  const slot = new NorFlash(slotBytes, pageBytes);
  const minPages = trailerPages(slot) + 2;
  if (slot.pages < minPages) {
    throw new SmpError("SMP_BAD_SETTING", `a slot of ${slotBytes} bytes has no room beside MCUboot's trailer`, {
      field: "slotBytes",
      hint: `Give at least ${minPages * pageBytes} bytes.`,
    });
  }
}

function checkContent({ imageCount, mode, slotBytes, pageBytes }: ImageOptions, content: SlotContent): void {
  const { image = 0, slot, bytes } = content;
  if (image >= imageCount) {
    throw new SmpError("SMP_BAD_SETTING", `a file is given for image ${image}, the virtual device has ${imageCount}`, {
      field: "imageCount",
      hint: "Images are counted from 0.",
    });
  }
  const limit = mode === "swap-offset" && slot === 1 ? slotBytes - pageBytes : slotBytes;
  if (bytes.length <= limit) return;
  throw new SmpError(
    "SMP_IMAGE_TOO_LARGE",
    `the file for slot ${slot} has ${bytes.length} bytes, the slot only ${limit}`,
    {
      limit,
    },
  );
}
