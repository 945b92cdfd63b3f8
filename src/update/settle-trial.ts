/** Brings the trial of an image to an end that is not part of the update, but in its way. */
import { formatMs, nowMs, sleep } from "../clock";
import { SmpError } from "../errors";
import type { DeviceHandle } from "../session/types";
import { confirmImage } from "./confirm-image";
import type { PlanStep } from "./plan-types";
import { readImageState } from "./recovery";
import { resetDevice, type ResetOptions } from "./reset-device";
import { trialRunning } from "./state";
import type { ImageState } from "./types";

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
    const state = await readImageState(await device.session(signal), signal);
    const running = trialRunning(state, image);
    if (!running) return state;
    const leftMs = startMs + limitMs - nowMs();
    if (leftMs <= 0) {
      throw new SmpError(
        "SMP_TRIAL_RUNNING",
        `${running.trial.version} still runs on trial after ${formatMs(limitMs)}: it did not confirm itself`,
        { timeoutMs: limitMs },
      );
    }
    await sleep(Math.min(POLL_MS, leftMs), signal);
  }
}
