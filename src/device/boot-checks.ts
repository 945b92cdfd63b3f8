/** What MCUboot checks before it runs or installs an image (loader.c, image_validate.c). */
import type { NorFlash } from "./flash";
import type { ImageOptions } from "./image-options";
import type { SwapType } from "./image-store";
import { compareVersions, isHeaderErased, isIntact, parseVersion, readSlotImage, type SlotImage } from "./slot-image";
import type { ImageAreas } from "./swap";

const TLV = { dependency: 0x40, securityCounter: 0x50 } as const;

/** The image at `startBytes` if it may run: intact, bootable and accepted (signed). */
export function validImage(options: ImageOptions, flash: NorFlash, startBytes: number): SlotImage | undefined {
  const image = readSlotImage(flash, startBytes, options.hashBytes);
  if (!image?.bootable || !isIntact(flash, image) || !options.acceptsImage(image)) return undefined;
  return image;
}

/** Whether what is in the first slots can run; only that of image 0 has to be there. */
export function areImagesRunnable(options: ImageOptions, primaries: readonly NorFlash[]): boolean {
  return primaries.every(
    (flash, image) => (image > 0 && isHeaderErased(flash, 0)) || validImage(options, flash, 0) !== undefined,
  );
}

/**
 * Where the image in slot 1 begins: with swap-offset in the second page, unless a trial runs, whose fallback lies in
 * the first (Zephyr's `boot_get_image_start_offset`).
 */
export function secondaryStart(options: ImageOptions, flash: NorFlash, type: SwapType): number {
  return options.mode === "swap-offset" && type !== "revert" ? flash.pageBytes : 0;
}

/** Whether downgrade prevention forbids `next` in place of `running`. */
export function isDowngrade(options: ImageOptions, running: SlotImage | undefined, next: SlotImage): boolean {
  const { downgradePrevention } = options;
  if (!running || !downgradePrevention) return false;
  if (downgradePrevention === "version") return compareVersions(next.version, running.version) < 0;
  const floor = securityCounter(running);
  return floor !== undefined && (securityCounter(next) ?? -1) < floor;
}

/**
 * Whether every image that will run finds the others in the versions that its dependency TLVs ask for
 * (`boot_verify_dependencies`). `types` says per image what is about to happen: where nothing is, slot 0 counts.
 */
export function areDependenciesMet(
  options: ImageOptions,
  areas: readonly ImageAreas[],
  types: readonly SwapType[],
): boolean {
  const images = areas.map(({ primary, secondary }, index) => {
    const type = types[index]!;
    return type === "none"
      ? readSlotImage(primary, 0, options.hashBytes)
      : readSlotImage(secondary, secondaryStart(options, secondary, type), options.hashBytes);
  });
  return images.every((image) =>
    tlvsOf(image, TLV.dependency).every((data) => {
      const needed = images[data[0]!];
      return needed !== undefined && compareVersions(needed.version, parseVersion(data.subarray(4))) >= 0;
    }),
  );
}

function securityCounter(image: SlotImage): number | undefined {
  const [data] = tlvsOf(image, TLV.securityCounter);
  return data && Buffer.from(data).readUInt32LE();
}

function tlvsOf(image: SlotImage | undefined, wanted: number): Uint8Array[] {
  return image?.tlvs.filter((tlv) => tlv.protected && tlv.type === wanted).map(({ data }) => data) ?? [];
}
