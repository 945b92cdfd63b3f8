/** The direct-XIP modes: each image runs in the slot where it is, the highest version first (loader.c). */
import { validImage } from "./boot-checks";
import type { FlashWriter, NorFlash } from "./flash";
import type { ImageOptions } from "./image-options";
import type { SwapType } from "./image-store";
import { compareVersions, readHeaderVersion, readSlotImage } from "./slot-image";
import { readTrailer, TrailerWriter } from "./trailer";

/**
 * Chooses the slot that runs, and erases what is not fit to (`boot_load_and_validate_images`); undefined when nothing
 * is left.
 */
export function selectSlot(options: ImageOptions, slots: readonly NorFlash[], writer: FlashWriter): number | undefined {
  for (;;) {
    const candidate = highestVersion(slots);
    if (candidate === undefined) return undefined;
    const flash = slots[candidate]!;
    const mayRun = options.mode === "direct-xip" || markSelected(flash, writer);
    if (mayRun && validImage(options, flash, 0)) return candidate;
    for (let page = 0; page < flash.pages; page++) writer.erasePage(flash, page);
  }
}

/** Of equal versions the one in the lower slot. */
function highestVersion(slots: readonly NorFlash[]): number | undefined {
  let best: number | undefined;
  for (const [slot, flash] of slots.entries()) {
    const version = readHeaderVersion(flash, 0);
    const bestVersion = best === undefined ? undefined : readHeaderVersion(slots[best]!, 0);
    if (version && (!bestVersion || compareVersions(version, bestVersion) > 0)) best = slot;
  }
  return best;
}

/**
 * With revert an image runs only if it is marked to, and a second time only if it was confirmed
 * (`boot_select_or_erase`). Returns false for one that does not.
 */
function markSelected(flash: NorFlash, writer: FlashWriter): boolean {
  const { magic, copyDone, imageOk } = readTrailer(flash);
  if (magic !== "good" || (copyDone === "set" && imageOk !== "set")) return false;
  if (copyDone !== "set") new TrailerWriter(writer, flash).copyDone();
  return true;
}

/** What the next boot will do, as the application reckons (`img_mgmt_get_next_boot_slot`). */
export function directXipType(options: ImageOptions, active: NorFlash, other: NorFlash): SwapType {
  const running = readSlotImage(active, 0, options.hashBytes);
  const waiting = readSlotImage(other, 0, options.hashBytes);
  if (!running || !waiting) return "none";
  const isNewer = compareVersions(running.version, waiting.version) < 0;
  if (options.mode === "direct-xip") return isNewer ? "permanent" : "none";
  if (bootState(active) === "trial") return "revert";
  if (!isNewer) return "none";
  return ({ forever: "permanent", once: "test", trial: "none", unmarked: "none" } as const)[bootState(other)];
}

function bootState(flash: NorFlash): "forever" | "trial" | "once" | "unmarked" {
  const { magic, imageOk, copyDone } = readTrailer(flash);
  if (magic !== "good") return "unmarked";
  if (imageOk === "set") return "forever";
  return copyDone === "set" ? "trial" : "once";
}
