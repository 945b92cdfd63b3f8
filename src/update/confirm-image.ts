/** Keeps the running image for good: the one step after which there is no way back. Source: Zephyr `img_mgmt_state_confirm`. */
import { throwIfAborted } from "../clock";
import { SmpError } from "../errors";
import type { DeviceHandle } from "../session/types";
import { checkHash, checkImageNumber } from "./firmware";
import { activeSlot, describeState, holds, shortHash } from "./state";
import type { ImageState, SlotState, Verdict, WantedImage } from "./types";
import { changeImageState } from "./write-state";

/** Which image is to be made permanent. */
export interface ConfirmOptions {
  /** MCUboot's hash in hex of the image that must be running; whatever runs when absent. */
  readonly hash?: string | undefined;
  /** The hash that a compressed image shows once it is installed. */
  readonly installedHash?: string | undefined;
  /** Image number, default 0. */
  readonly image?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Confirms the running image and verifies it. One that is confirmed already is left so.
 * @returns the state with the image active and confirmed
 * @throws SMP_BAD_INPUT, SMP_WRONG_IMAGE (with details.verdict) when another image runs, SMP_STATE_UNCHANGED, SMP_DEVICE,
 *   SMP_TIMEOUT, SMP_LINK_LOST, or the signal's reason
 */
export async function confirmImage(device: DeviceHandle, options: ConfirmOptions = {}): Promise<ImageState> {
  const { signal } = options;
  const image = checkImageNumber(options.image ?? 0);
  const wanted = options.hash === undefined ? undefined : wantedImage(options.hash, image, options.installedHash);
  const isDone = (state: ImageState): boolean => runningSlot(state, image, wanted).confirmed;
  const request = (state: ImageState) => confirmation(runningSlot(state, image, wanted));
  try {
    const state = await changeImageState(device, { request, isDone }, signal);
    if (isDone(state)) return state;
    throw new SmpError(
      "SMP_STATE_UNCHANGED",
      `the device accepted the confirmation but does not show the running image as confirmed (${describeState(state)})`,
    );
  } catch (error) {
    throwIfAborted(signal);
    throw error instanceof SmpError ? error.with({ device: device.key, phase: "confirm" }) : error;
  }
}

function wantedImage(hash: string, image: number, installedHash: string | undefined): WantedImage {
  return {
    hash: checkHash(hash),
    image,
    ...(installedHash !== undefined && { installedHash: checkHash(installedHash) }),
  };
}

/**
 * Without a hash it is the running image that is confirmed. With the hash of a trial that has crashed a moment ago, the request
 * would mark the crashed image to stay (Zephyr `img_mgmt_set_next_boot_slot`). Only images other than 0 need theirs: a
 * request without one is about image 0.
 * @throws SMP_WRONG_IMAGE where it would be the wrong one
 */
function confirmation({ image, hash, version }: SlotState) {
  if (image === 0) return { confirm: true };
  if (hash !== "") return { hash, confirm: true };
  throw new SmpError(
    "SMP_WRONG_IMAGE",
    `cannot confirm image ${image}: the device shows no hash of ${version}, and a request without one would confirm image 0`,
  );
}

/** @throws SMP_WRONG_IMAGE when it is not the wanted one */
function runningSlot(state: ImageState, image: number, wanted: WantedImage | undefined): SlotState {
  const active = activeSlot(state, image);
  if (active && (!wanted || holds(active, wanted))) return active;
  const { verdict, because } = whereItIs(state, active && wanted);
  const runs = active ? `${active.version} ${shortHash(active.hash)} runs` : `no image ${image} is shown as running`;
  const what = wanted ? `the image ${shortHash(wanted.hash)}` : "the running image";
  throw new SmpError("SMP_WRONG_IMAGE", `cannot confirm ${what}: ${runs}; ${because} (${describeState(state)})`, {
    verdict,
  });
}

/** Why another image runs, or none, told from the state alone. */
function whereItIs(state: ImageState, wanted: WantedImage | undefined): { verdict: Verdict; because: string } {
  if (!wanted) return { verdict: "failed", because: "the device may be in the bootloader's recovery" };
  const slot = state.find((each) => holds(each, wanted));
  if (!slot)
    return {
      verdict: "rejected-by-bootloader",
      because:
        "it is in no slot: the bootloader did not accept it, with direct-XIP also after its trial, or it was never uploaded",
    };
  const where = `it is in slot ${slot.slot}`;
  if (slot.pending)
    return { verdict: "not-swapped", because: `${where} and still pending: the device was not reset, or cannot swap` };
  return { verdict: "reverted", because: `${where} and unmarked: it was reverted, or never tested` };
}
