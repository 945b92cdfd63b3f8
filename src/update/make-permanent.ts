/** Marks an uploaded image to stay, with no trial. Source: Zephyr `img_mgmt_set_next_boot_slot` with `confirm`. */
import { throwIfAborted } from "../clock";
import { DeviceError, SmpError } from "../errors";
import type { DeviceHandle } from "../session/types";
import { IMAGE_RC } from "../smp/codes";
import { GROUP } from "../smp/command";
import { describeState, holds, shortHash } from "./state";
import type { ImageState, SlotState, WantedImage } from "./types";
import { cannotMark, changeImageState, unmarkable } from "./write-state";

/**
 * @returns the state with the image pending for good
 * @throws SMP_NOT_IN_SLOT, SMP_STATE_UNCHANGED, SMP_DEVICE (builds can forbid it), SMP_TIMEOUT, SMP_LINK_LOST, or the signal's reason
 */
export async function makePermanent(
  device: DeviceHandle,
  wanted: WantedImage,
  signal: AbortSignal | undefined,
): Promise<ImageState> {
  let isAsked = false;
  // Older servers do not tell the two kinds of pending apart.
  const isDone = (state: ImageState): boolean => {
    const { pending, permanent } = slotOf(state, wanted);
    return pending && (permanent || isAsked);
  };
  const request = () => {
    isAsked = true;
    return { hash: wanted.hash, confirm: true };
  };
  try {
    const state = await changeImageState(device, { request, isDone }, signal);
    if (slotOf(state, wanted).pending) return state;
    throw new SmpError(
      "SMP_STATE_UNCHANGED",
      `the device accepted ${shortHash(wanted.hash)} as permanent but does not show it as pending (${describeState(state)})`,
    );
  } catch (error) {
    throwIfAborted(signal);
    throw error instanceof SmpError ? explain(error).with({ device: device.key, phase: "permanent" }) : error;
  }
}

function slotOf(state: ImageState, wanted: WantedImage): SlotState {
  const found = state.filter((slot) => holds(slot, wanted) && !slot.active);
  const slot = found.find(({ pending }) => pending) ?? found[0];
  if (slot) return slot;
  throw new SmpError(
    "SMP_NOT_IN_SLOT",
    `no free slot of image ${wanted.image} holds the image ${shortHash(wanted.hash)} (${describeState(state)})`,
  );
}

function explain(error: SmpError): SmpError {
  const { rc, group } = error.details;
  if (cannotMark(error)) return unmarkable(error);
  if (!(error instanceof DeviceError) || group !== GROUP.IMAGE || rc !== IMAGE_RC.IMAGE_CONFIRMATION_DENIED)
    return error;
  const hint =
    "The device's build forbids it (CONFIG_MCUMGR_GRP_IMG_ALLOW_CONFIRM_NON_ACTIVE_IMAGE_…): try the image before it is confirmed.";
  return new DeviceError(error.message, { ...error.details, rc, cause: error, hint });
}
