/** What the bootloader does with an image, as far as a plan is concerned. Source: MCUboot `design.md`, Zephyr `enum mcuboot_mode`. */
import { BOOT_MODE } from "../smp/groups/os";

/**
 * "swap": tried, and reverted unless confirmed. "newest-on-trial": the same, but only for the highest version.
 * "overwrite": the marked image replaces the old one. "newest": the highest version runs, nothing can be marked.
 * "in-place": the upload itself replaces the old one.
 */
export type InstallKind = "swap" | "newest-on-trial" | "overwrite" | "newest" | "in-place";

const KINDS: ReadonlyMap<number, InstallKind> = new Map([
  [BOOT_MODE.OVERWRITE_ONLY, "overwrite"],
  [BOOT_MODE.DIRECT_XIP, "newest"],
  [BOOT_MODE.RAM_LOAD, "newest"],
  [BOOT_MODE.DIRECT_XIP_REVERT, "newest-on-trial"],
  [BOOT_MODE.SINGLE_SLOT, "in-place"],
  [BOOT_MODE.SINGLE_SLOT_RAM_LOAD, "in-place"],
  [BOOT_MODE.FIRMWARE_LOADER, "in-place"],
]);

/** A bootloader that does not tell swaps: what nearly all do, and what else comes of it is seen in the state afterwards. */
export function installKind({
  bootMode,
  inRecovery = false,
}: {
  bootMode: number | undefined;
  inRecovery?: boolean;
}): InstallKind {
  if (inRecovery) return "in-place";
  return (bootMode === undefined ? undefined : KINDS.get(bootMode)) ?? "swap";
}

/** Why nothing can be tried; undefined when it can. */
export function whyNoTrial(kind: InstallKind, images: readonly number[]): string | undefined {
  if (kind === "overwrite") return "the bootloader overwrites the old image";
  if (kind === "newest") return "the bootloader runs the newest image and marks none";
  if (kind === "in-place") return "the upload overwrites the old image";
  const other = images.find((image) => image > 0);
  return other === undefined
    ? undefined
    : `image ${other} belongs to another core, which cannot go back on its own: all images are made permanent together`;
}
