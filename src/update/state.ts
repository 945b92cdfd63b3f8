/** The image state list as plain data, and what can be read from it. Source: Zephyr `img_mgmt_state.c`. */
import { DeviceError } from "../errors";
import { formatVersion, parseVersion } from "../image/version";
import type { RequestOptions, SmpSession } from "../session/types";
import { SMP_RC } from "../smp/codes";
import { image as imageGroup } from "../smp/commands";
import type { Body } from "../smp/shape";
import type { ImageState, SlotState, WantedImage } from "./types";

/** The list as the device gives it. */
export type StateList = Body<typeof imageGroup.readState.response>;

/** @throws as `SmpSession.request` */
export function requestStateList(session: SmpSession, options?: RequestOptions): Promise<StateList> {
  return session.request(imageGroup.readState, {}, options);
}

/** Undefined when the device has no list: a firmware loader updates its application, or nothing does. @throws as `SmpSession.request` */
export async function requestStateListIfAny(
  session: SmpSession,
  options: RequestOptions,
): Promise<StateList | undefined> {
  try {
    return await requestStateList(session, options);
  } catch (error) {
    const isUnknown = error instanceof DeviceError && error.details.group === undefined;
    if (isUnknown && error.details.rc === SMP_RC.NOT_SUPPORTED) return undefined;
    throw error;
  }
}

export function toImageState(list: StateList): ImageState {
  const slots = list.images.map((entry): SlotState => ({
    image: entry.image ?? 0,
    slot: entry.slot,
    version: imgtoolVersion(entry.version),
    hash: entry.hash ? Buffer.from(entry.hash).toString("hex") : "",
    bootable: entry.bootable ?? false,
    pending: entry.pending ?? false,
    confirmed: entry.confirmed ?? false,
    active: entry.active ?? false,
    permanent: entry.permanent ?? false,
  }));
  return slots.toSorted((a, b) => a.image - b.image || a.slot - b.slot);
}

/** "1.2.3.4" of the list as "1.2.3+4"; what is no version (the device may show "<???>") stays. */
function imgtoolVersion(text: string): string {
  try {
    return formatVersion(parseVersion(text));
  } catch {
    return text;
  }
}

/** Whether the slot holds the image, as uploaded or, if it was compressed, as installed. */
export function holds(slot: SlotState, wanted: WantedImage): boolean {
  if (slot.image !== wanted.image || slot.hash === "") return false;
  return slot.hash === wanted.hash || slot.hash === wanted.installedHash;
}

/** Whether the wanted image is active and confirmed. */
export function isUpToDate(state: ImageState, wanted: WantedImage): boolean {
  return activeWithHash(state, wanted)?.confirmed === true;
}

/** The slot that runs. Older servers mark only image 0; of the other images slot 0 runs then. In recovery nothing runs. */
export function activeSlot(state: ImageState, image: number): SlotState | undefined {
  const slots = slotsOf(state, image);
  const active = slots.find((slot) => slot.active);
  const isUntold = image > 0 && state.some((slot) => slot.active);
  return active ?? (isUntold ? slots.find((slot) => slot.slot === 0 && !slot.pending) : undefined);
}

/** The slot that runs, if it holds the image. */
export function activeWithHash(state: ImageState, wanted: WantedImage): SlotState | undefined {
  const active = activeSlot(state, wanted.image);
  return active && holds(active, wanted) ? active : undefined;
}

/** A slot that holds the image; the lower one when both do. */
export function slotWithHash(state: ImageState, wanted: WantedImage): SlotState | undefined {
  return state.find((slot) => holds(slot, wanted));
}

/** The slot that the next boot will try. */
export function pendingSlot(state: ImageState, image: number): SlotState | undefined {
  return slotsOf(state, image).find((slot) => slot.pending);
}

/** The running image of a trial: not confirmed, with another slot to fall back to. */
export function trialRunning(state: ImageState, image: number): { trial: SlotState; fallback: SlotState } | undefined {
  const trial = activeSlot(state, image);
  if (!trial || trial.confirmed) return undefined;
  const fallback = slotsOf(state, image).find((slot) => slot !== trial && slot.confirmed);
  return fallback && { trial, fallback };
}

/** "slot 0: 1.0.0 5c8445b2… active confirmed; slot 1: …", for messages. */
export function describeState(state: ImageState): string {
  if (state.length === 0) return "no images";
  return state.map(describeSlot).join("; ");
}

export function describeSlot(slot: SlotState): string {
  const flags = (["active", "confirmed", "pending", "permanent"] as const).filter((flag) => slot[flag]);
  const place = slot.image > 0 ? `image ${slot.image} slot ${slot.slot}` : `slot ${slot.slot}`;
  return [`${place}: ${slot.version}`, shortHash(slot.hash), ...flags].join(" ");
}

/** Enough of a hash to tell images apart. */
export function shortHash(hash: string): string {
  return hash === "" ? "(no hash)" : `${hash.slice(0, 8)}…`;
}

function slotsOf(state: ImageState, image: number): ImageState {
  return state.filter((slot) => slot.image === image);
}
