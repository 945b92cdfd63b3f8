/** Which of a package's files an image of a device gets. */
import { SmpError } from "../errors";
import { listParts, type FirmwarePackage, type FirmwarePart } from "../image/package";
import { describeFirmware } from "./firmware";
import { activeSlot, holds } from "./state";
import type { ImageState } from "./types";

/** What the part of a package is wanted for. */
export interface PartChoice {
  /** Number of the image. */
  readonly image: number;
  /** The device's images, which a pair of builds for direct XIP needs: the one that runs is chosen, else the one for the free slot. */
  readonly images?: ImageState | undefined;
}

/** The image numbers that a package updates, lowest first; `image` for a file that names none. */
export function imagesIn(pack: Pick<FirmwarePackage, "parts">, image = 0): number[] {
  const numbers = applications(pack).map((part) => part.image ?? image);
  return [...new Set(numbers)].toSorted((a, b) => a - b);
}

/** Whether the choice depends on the device's state. */
export function needsState(pack: Pick<FirmwarePackage, "parts">, image: number): boolean {
  return candidatesFor(pack, image).length > 1;
}

/**
 * The file for an image.
 * @throws SMP_BAD_INPUT listing what the package has, when none or more than one is for the image
 */
export function choosePart(
  pack: Pick<FirmwarePackage, "label" | "parts">,
  { image, images }: PartChoice,
): FirmwarePart {
  const candidates = candidatesFor(pack, image);
  const [only, second] = candidates;
  if (only && !second) return only;
  if (!only) throw noChoice(pack, `has nothing for image ${image}`, "Set the image number to one that it has.");
  const pair = builtForSlots(candidates);
  if (!pair) throw noChoice(pack, `has more than one file for image ${image}`, "Unpack it, and choose one.");
  if (!images) throw noChoice(pack, `has a build for each slot of image ${image}`, "Read the device's state first.");
  const active = activeSlot(images, image);
  // The twin of a build that runs would be no update.
  const running = pair.find(({ info }) => active && holds(active, describeFirmware(info, image)));
  // Without a running image MCUboot's recovery answers, which writes slot 0.
  return running ?? pair[active?.slot === 0 ? 1 : 0];
}

function applications({ parts }: Pick<FirmwarePackage, "parts">): FirmwarePart[] {
  const [only, second] = parts;
  return second ? parts.filter(({ role }) => role === "application") : [only];
}

function candidatesFor(pack: Pick<FirmwarePackage, "parts">, image: number): FirmwarePart[] {
  return applications(pack).filter((part) => (part.image ?? image) === image);
}

/** The builds for slot 0 and slot 1: by the manifest, else by the addresses that they are linked for. */
function builtForSlots(parts: readonly FirmwarePart[]): readonly [FirmwarePart, FirmwarePart] | undefined {
  if (parts.length !== 2) return undefined;
  const first = parts.find(({ slot }) => slot === 0);
  const second = parts.find(({ slot }) => slot === 1);
  if (first && second) return [first, second];
  const [low, high] = parts.toSorted((a, b) => addressOf(a) - addressOf(b)) as [FirmwarePart, FirmwarePart];
  const areFixed = parts.every(({ info }) => info.romFixed);
  return areFixed && addressOf(low) !== addressOf(high) ? [low, high] : undefined;
}

function addressOf({ info }: FirmwarePart): number {
  return info.loadAddress ?? 0;
}

function noChoice(pack: Pick<FirmwarePackage, "label" | "parts">, why: string, hint: string): SmpError {
  return new SmpError("SMP_BAD_INPUT", `${pack.label} ${why}; it has ${listParts(pack.parts)}`, {
    field: "image",
    hint,
  });
}
