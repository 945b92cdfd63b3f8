/** Where an update that was begun and not ended stands, by the device's own state. */
import { activeWithHash, holds } from "./state";
import type { ImageState, Unfinished, UnfinishedPhase, WantedImage } from "./types";

/**
 * What remains of a record of an update when the device shows this state. The device is right: "marked" may have become a
 * trial. The rest of an interrupted upload is in no list, so that nothing speaks against "uploading" but the image itself.
 * @returns undefined when the update is over: the image runs for good, or is gone, or is back from its trial
 */
export function phaseByState(
  recorded: UnfinishedPhase,
  wanted: WantedImage,
  images: ImageState,
): Unfinished["phase"] | undefined {
  // A bootloader in recovery may list nothing, whatever it has.
  if (images.length === 0) return recorded;
  const slots = images.filter((slot) => holds(slot, wanted));
  const active = activeWithHash(images, wanted);
  if (active) return active.confirmed ? undefined : "trial";
  if (slots.some(({ pending }) => pending)) return "marked";
  if (recorded === "marked" || recorded === "trial") return undefined;
  if (slots.length > 0) return "uploaded";
  return recorded === "uploading" ? "uploading" : undefined;
}
