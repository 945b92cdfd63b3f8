/** Where an image of the update stands on a device before anything is done. */
import type { InstallKind } from "./install-kind";
import { slotHolding, type ImageToInstall } from "./recovery";
import { activeSlot, activeWithHash, holds, pendingSlot, slotWithHash, trialRunning } from "./state";
import type { Firmware, ImageState, SlotState } from "./types";

/**
 * "current": runs and is confirmed. "on-trial": runs, not yet confirmed. "pending", "permanent": in its slot, and marked for the
 * next boot, to be tried or to stay. "in-slot": there, unmarked. "absent": has to be sent.
 */
export type Standing = "current" | "on-trial" | "pending" | "permanent" | "in-slot" | "absent";

export function standingOf(state: ImageState, part: ImageToInstall, inRecovery: boolean): Standing {
  const wanted = part.firmware;
  const running = activeWithHash(state, wanted);
  if (running) {
    if (running.confirmed) return "current";
    // Of the other images, servers that mark only image 0 as running tell of a trial by the confirmed image to fall back to.
    return running.active || trialRunning(state, wanted.image) ? "on-trial" : "current";
  }
  const pending = pendingSlot(state, wanted.image);
  if (pending && holds(pending, wanted)) return pending.permanent ? "permanent" : "pending";
  return slotHolding(state, part, inRecovery) ? "in-slot" : "absent";
}

/** Where the image lies, or where an upload will put it. */
export function slotFor(
  state: ImageState,
  { firmware: wanted, standing }: { firmware: Firmware; standing: Standing },
  kind: InstallKind,
): number {
  if (kind === "in-place" && standing === "absent") return 0;
  const active = activeSlot(state, wanted.image);
  return slotWithHash(state, wanted)?.slot ?? (active ? 1 - active.slot : 0);
}

/** Another image that the next boot will try, so that its slot is taken. */
export function strangerPending(state: ImageState, wanted: Firmware): SlotState | undefined {
  const pending = pendingSlot(state, wanted.image);
  return pending && !holds(pending, wanted) ? pending : undefined;
}

/** Another image runs on trial, so that no slot is free. */
export function strangerOnTrial(
  state: ImageState,
  wanted: Firmware,
): { trial: SlotState; fallback: SlotState } | undefined {
  const running = trialRunning(state, wanted.image);
  return running && !holds(running.trial, wanted) ? running : undefined;
}

/** The state once the trial of an image has ended. */
export function afterTrial(state: ImageState, image: number, how: "confirmed" | "reverted"): ImageState {
  const running = trialRunning(state, image);
  if (!running) return state;
  const { trial, fallback } = running;
  const [stays, goes] = how === "confirmed" ? [trial, fallback] : [fallback, trial];
  const ended = state.map((slot): SlotState => {
    if (slot === stays) return { ...slot, slot: trial.slot, active: true, confirmed: true, pending: false };
    if (slot === goes) return { ...slot, slot: fallback.slot, active: false, confirmed: false, pending: false };
    return slot;
  });
  return ended.toSorted((a, b) => a.image - b.image || a.slot - b.slot);
}
