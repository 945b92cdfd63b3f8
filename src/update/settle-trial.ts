/** Brings the trial of an image to an end that is not part of the update, but in its way. */
import { formatMs, nowMs, sleep, throwIfAborted } from "../clock";
import { SmpError } from "../errors";
import type { DeviceHandle } from "../session/types";
import { confirmImage } from "./confirm-image";
import { mayReopen } from "./failure";
import type { PlanStep } from "./plan-types";
import { readImageState } from "./recovery";
import { resetDevice, type ResetOptions } from "./reset-device";
import { trialRunning } from "./state";
import type { ImageState, SlotState } from "./types";

const POLL_MS = 2_000;
/** A firmware that checks itself does so in its first minutes. */
const TRIAL_WAIT_MS = 300_000;

export interface SettleOptions extends Pick<ResetOptions, "waitMs" | "onProgress"> {
  readonly trialWaitMs?: number | undefined;
  readonly signal: AbortSignal;
}

/**
 * @returns the state afterwards
 * @throws SMP_TRIAL_RUNNING when it did not end in time; as `confirmImage` and `resetDevice`
 */
export async function settleTrial(
  device: DeviceHandle,
  { how, image = 0, hash = "" }: PlanStep,
  options: SettleOptions,
): Promise<ImageState> {
  const { signal, trialWaitMs = TRIAL_WAIT_MS, ...reset } = options;
  if (how === "confirm") return confirmImage(device, { hash, image, signal });
  if (how === "revert") return (await resetDevice(device, { ...reset, wanted: { hash, image }, signal })).after;
  return waitForEnd(device, image, { signal, limitMs: trialWaitMs });
}

async function waitForEnd(
  device: DeviceHandle,
  image: number,
  { signal, limitMs }: { signal: AbortSignal; limitMs: number },
): Promise<ImageState> {
  for (const startMs = nowMs(); ;) {
    const seen = await readOrFail(device, signal);
    const isAway = seen instanceof SmpError;
    const running = isAway ? undefined : trialRunning(seen, image);
    if (!isAway && !running) return seen;
    const leftMs = startMs + limitMs - nowMs();
    if (leftMs <= 0) throw isAway ? seen : stillOnTrial(running!.trial, limitMs);
    await sleep(Math.min(POLL_MS, leftMs), signal);
  }
}

/** A trial that crashes takes its device away for a while. @returns the error of one that may come back */
async function readOrFail(device: DeviceHandle, signal: AbortSignal): Promise<ImageState | SmpError> {
  try {
    return await readImageState(await device.session(signal), signal);
  } catch (error) {
    throwIfAborted(signal);
    if (!mayReopen(error)) throw error;
    return error;
  }
}

function stillOnTrial({ version }: SlotState, limitMs: number): SmpError {
  const message = `${version} still runs on trial after ${formatMs(limitMs)}: it did not confirm itself`;
  return new SmpError("SMP_TRIAL_RUNNING", message, { timeoutMs: limitMs });
}
