/** Marks an image for test or confirms it, and proves it by the list that comes back. */
import { sleep, throwIfAborted } from "../clock";
import { DeviceError, SmpError } from "../errors";
import type { DeviceHandle } from "../session/types";
import { SMP_RC } from "../smp/codes";
import { image as imageGroup } from "../smp/commands";
import { isUnservedRefusal } from "../smp/response";
import { isLinkLoss, isUnanswered } from "./failure";
import { readImageState } from "./recovery";
import { toImageState } from "./state";
import type { ImageState } from "./types";

/** The request is not repeated blindly: a second one may be refused, or meet another image after a reboot. */
const WRITES = 3;
/** Once a request is out whose effect nobody knows, a device that is away is worth waiting for. */
const REOPENINGS = 6;
const REOPEN_PAUSE_MS = 1_000;
const UNSERVED_PAUSE_MS = 500;

export interface StateChange {
  /** The request that the state as it is now calls for; without `hash` the running image is meant. */
  readonly request: (state: ImageState) => { readonly hash?: string; readonly confirm: boolean };
  /**
   * Whether the state shows it already.
   * @throws when it shows that the change is not possible, or not wanted any more
   */
  readonly isDone: (state: ImageState) => boolean;
}

/**
 * Looks at the state, changes it, and looks again when no answer came, or the device did not serve the request, or refused it:
 * a trial may have ended between the look and the request.
 * @returns the state as it is then; whether it is done is for the caller to judge
 * @throws what `isDone` throws, and as `SmpSession.request`
 */
export async function changeImageState(
  device: DeviceHandle,
  change: StateChange,
  signal: AbortSignal | undefined,
): Promise<ImageState> {
  let failure: SmpError | undefined;
  for (let writes = 0; ; writes++) {
    const state = await readPatiently(device, failure ? REOPENINGS : 0, signal);
    if (change.isDone(state)) return state;
    if (failure && (writes === WRITES || isRefusal(failure))) throw failure;
    const answer = await write(device, change.request(state), signal);
    if (!(answer instanceof SmpError)) return answer;
    failure = answer;
  }
}

function isRefusal(error: SmpError): boolean {
  return error instanceof DeviceError && !isUnservedRefusal(error);
}

/** @param reopenings how often a link that broke is opened anew */
async function readPatiently(
  device: DeviceHandle,
  reopenings: number,
  signal: AbortSignal | undefined,
): Promise<ImageState> {
  for (let left = reopenings; ; left--) {
    try {
      return await readImageState(await device.session(signal), signal);
    } catch (error) {
      throwIfAborted(signal);
      if (left === 0 || !isLinkLoss(error)) throw error;
      await sleep(REOPEN_PAUSE_MS, signal);
    }
  }
}

/** The list that answers, or the error when the state has to say more: the request may have had its effect all the same. */
async function write(
  device: DeviceHandle,
  { hash, confirm }: ReturnType<StateChange["request"]>,
  signal: AbortSignal | undefined,
): Promise<ImageState | SmpError> {
  const body = { ...(hash !== undefined && { hash: Buffer.from(hash, "hex") }), confirm };
  const session = await device.session(signal);
  try {
    return toImageState(await session.request(imageGroup.writeState, body, { signal }));
  } catch (error) {
    throwIfAborted(signal);
    if (!isUnanswered(error) && !(error instanceof DeviceError)) throw error;
    if (isUnservedRefusal(error)) await sleep(UNSERVED_PAUSE_MS, signal);
    return error;
  }
}

/** Builds for direct-XIP without revert have no such command, nor has recovery, mostly. */
export function cannotMark(error: SmpError): error is DeviceError {
  return error instanceof DeviceError && error.details.rc === SMP_RC.NOT_SUPPORTED && error.details.group === undefined;
}

/** An error that {@link cannotMark} is true of, saying what that means. */
export function unmarkable(error: DeviceError): DeviceError {
  const hint =
    "This device cannot mark images. In direct-XIP mode the newest version runs after a reset; MCUboot's recovery is left by one.";
  return new DeviceError(error.message, { ...error.details, cause: error, hint });
}
