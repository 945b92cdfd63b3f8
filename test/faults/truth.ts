/** What is really in a device's slots, byte by byte. */
import type { VirtualDevice } from "../../src/device/device";
import { hashOf } from "../build-image";
import { type Files, PAGE_BYTES } from "./files";
import type { Scenario } from "./scenario";

export type Content = "old" | "wanted" | "third" | "foreign" | "none";

export interface Truth {
  readonly state: VirtualDevice["state"];
  /** What lies where the running image must be, whole and unchanged; "none" when it is something else. */
  readonly running: Content;
  readonly isConfirmed: boolean;
  readonly other: Content;
  /** The device lists the wanted image, whole or not. */
  readonly isListed: boolean;
  /** Of the other slot: the next boot will take it. */
  readonly isPending: boolean;
  /** It will stay without a trial. */
  readonly isPermanent: boolean;
  /** Of the other image, when both are updated. */
  readonly neighbour?: Truth;
}

/** Of the image that is updated, or of both. */
export function readTruth(device: VirtualDevice, { image, both }: Scenario, files: Files): Truth {
  const truth = readImage(device, image, files);
  if (!both) return truth;
  const neighbour = readImage(device, 1 - image, { ...files, old: files.neighbour, wanted: files.neighbourWanted });
  return { ...truth, neighbour };
}

function readImage(device: VirtualDevice, image: number, files: Files): Truth {
  const { store } = device;
  const active = store.activeSlot(image);
  const type = store.swapType(image);
  return {
    state: device.state,
    running: contentOf(store.snapshot(image, active), [0], files),
    isConfirmed: type !== "revert",
    // Swap-offset puts an upload into the second page.
    other: contentOf(store.snapshot(image, 1 - active), [0, PAGE_BYTES], files),
    isListed: store.list().some((slot) => slot.image === image && hashOf(files.wanted).equals(slot.hash)),
    isPending: type === "test" || type === "permanent",
    isPermanent: type === "permanent",
  };
}

/** The wanted image runs for good; of two images, both. */
export function isDone({ running, isConfirmed, neighbour }: Truth): boolean {
  return running === "wanted" && isConfirmed && (neighbour === undefined || isDone(neighbour));
}

export function describeTruth({
  state,
  running,
  isConfirmed,
  other,
  isPending,
  isPermanent,
  neighbour,
}: Truth): string {
  const more = neighbour ? `; and the other image: ${describeTruth(neighbour)}` : "";
  return `${state}; runs ${running}${isConfirmed ? " confirmed" : " on trial"}; other slot ${other}${isPending ? " pending" : ""}${isPermanent ? " permanent" : ""}${more}`;
}

function contentOf(flash: Uint8Array, starts: readonly number[], files: Files): Content {
  const bytes = Buffer.from(flash.buffer, flash.byteOffset, flash.length);
  // Swap-offset leaves a copy of the old image behind.
  const candidates = { wanted: files.wanted, foreign: files.foreign, third: files.third, old: files.old };
  for (const [name, file] of Object.entries(candidates)) {
    for (const start of starts) {
      if (bytes.subarray(start, start + file.length).equals(file)) return name as Content;
    }
  }
  return "none";
}
