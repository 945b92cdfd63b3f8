/** Image states as a device would list them, written short: "0 1.0.0 active confirmed" for slot, version, flags. */
import { hashOf, buildImage } from "../build-image";
import type { ImageState, SlotState } from "../../src/update/types";

/** `1/0 …` is slot 0 of image 1. The hash is that of the version, see {@link hashFor}. */
export function state(...lines: string[]): ImageState {
  return lines.map((line): SlotState => {
    const [place = "", version = "", ...flags] = line.split(" ");
    const [image, slot] = place.includes("/") ? place.split("/").map(Number) : [0, Number(place)];
    const has = (flag: string): boolean => flags.includes(flag);
    return {
      image: image!,
      slot: slot!,
      version,
      hash: has("hashless") ? "" : hashFor(version),
      bootable: true,
      pending: has("pending"),
      confirmed: has("confirmed"),
      active: has("active"),
      permanent: has("permanent"),
    };
  });
}

export function hashFor(version: string): string {
  return hashOf(buildImage({ version })).toString("hex");
}

export function wanted(version: string, image = 0): { hash: string; image: number } {
  return { hash: hashFor(version), image };
}
