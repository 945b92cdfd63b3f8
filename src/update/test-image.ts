/** Arms the next boot: the image in the other slot will run once, on trial. Source: Zephyr `img_mgmt_set_next_boot_slot`. */
import { throwIfAborted } from "../clock";
import { SmpError } from "../errors";
import type { DeviceHandle } from "../session/types";
import { bootedByRecovery, stateInRecovery } from "./recovery";
import { checkHash, checkImageNumber } from "./firmware";
import { activeWithHash, describeSlot, describeState, holds, shortHash, trialRunning } from "./state";
import type { ImageState, WantedImage } from "./types";
import { cannotMark, changeImageState, unmarkable } from "./write-state";

/** Which image is to run on trial. */
export interface TestOptions {
  /** MCUboot's hash in hex, as the state list shows it. */
  readonly hash: string;
  /** Image number, default 0. */
  readonly image?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Marks an uploaded image as pending and verifies it. An image that is pending already is left so. In MCUboot's
 * recovery there is nothing to mark: the image is where the next boot takes it from.
 * @returns the state with the image pending, or in recovery in slot 0
 * @throws SMP_BAD_INPUT, SMP_NOT_IN_SLOT, SMP_TRIAL_RUNNING, SMP_STATE_UNCHANGED, SMP_DEVICE,
 *   SMP_TIMEOUT, SMP_LINK_LOST, or the signal's reason
 */
export async function testImage(device: DeviceHandle, options: TestOptions): Promise<ImageState> {
  const { signal } = options;
  const wanted: WantedImage = { hash: checkHash(options.hash), image: checkImageNumber(options.image ?? 0) };
  try {
    const isDone = (state: ImageState): boolean => isPending(state, wanted);
    const request = () => ({ hash: wanted.hash, confirm: false });
    const state = await changeImageState(device, { request, isDone }, signal);
    if (isPending(state, wanted)) return state;
    throw new SmpError(
      "SMP_STATE_UNCHANGED",
      `the device accepted the test of ${shortHash(wanted.hash)} but does not show it as pending (${describeState(state)})`,
    );
  } catch (error) {
    throwIfAborted(signal);
    if (!(error instanceof SmpError)) throw error;
    const inRecovery = await whatNextBootTakes(device, error, signal);
    if (inRecovery) return inRecovery;
    throw (cannotMark(error) ? unmarkable(error) : error).with({ device: device.key, phase: "test" });
  }
}

/** The state in recovery, where there is nothing to mark, and nothing to be seen if it found no image at its boot. */
async function whatNextBootTakes(
  device: DeviceHandle,
  error: SmpError,
  signal: AbortSignal | undefined,
): Promise<ImageState | undefined> {
  if (cannotMark(error)) return await stateInRecovery(device, signal);
  if (error.code !== "SMP_NOT_IN_SLOT") return undefined;
  const state = await stateInRecovery(device, signal);
  return state?.length === 0 ? state : undefined;
}

/** @throws when it is neither pending nor can be made so */
function isPending(state: ImageState, wanted: WantedImage): boolean {
  const found = state.filter((slot) => holds(slot, wanted));
  if (found.length === 0) {
    throw new SmpError(
      "SMP_NOT_IN_SLOT",
      `no slot of image ${wanted.image} holds the image ${shortHash(wanted.hash)} (${describeState(state)})`,
    );
  }
  if (found.some((slot) => slot.pending)) return true;
  if (isForNextBoot(state, wanted)) return true;
  refuseDuringTrial(state, wanted);
  refuseRunning(state, wanted);
  return false;
}

/** Where nothing runs, recovery answers: a mark would be for slot 1 there, whatever its hash says (MCUboot `bs_set`). */
function isForNextBoot(state: ImageState, wanted: WantedImage): boolean {
  const next = state.some(({ active }) => active) ? undefined : bootedByRecovery(state, wanted.image);
  return next !== undefined && holds(next, wanted);
}

function refuseDuringTrial(state: ImageState, wanted: WantedImage): void {
  const running = trialRunning(state, wanted.image);
  if (!running) return;
  const isIt = holds(running.trial, wanted);
  throw new SmpError(
    "SMP_TRIAL_RUNNING",
    `${running.trial.version} runs on trial${isIt ? ", it is the image to test" : ""} (${describeState(state)})`,
    {
      hint: isIt
        ? "Confirm it; a reset would revert it."
        : "Confirm the running image, or reset the device to revert it.",
    },
  );
}

/** To the server the hash of an image that is in both slots means the one that runs. */
function refuseRunning(state: ImageState, wanted: WantedImage): void {
  const active = activeWithHash(state, wanted);
  if (!active) return;
  throw new SmpError(
    "SMP_STATE_UNCHANGED",
    `there is nothing to test: ${active.version} runs already (${describeSlot(active)})`,
    {
      hint: "Compare the firmware with the image state before the upload, and stop when the device is up to date.",
      ...(active.confirmed && { verdict: "already-current" }),
    },
  );
}
