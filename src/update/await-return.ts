/** Polls a device that was told to reboot. */
import { formatMs, nowMs, sleep, throwIfAborted, withDeadline } from "../clock";
import { DeviceError, SmpError, type SmpErrorCode } from "../errors";
import type { DeviceHandle } from "../session/types";
import { imagesOf } from "./recovery";
import { requestStateListIfAny } from "./state";
import type { ImageState } from "./types";

export interface AwaitReturn {
  /** Undefined where the device had no list. */
  readonly before: ImageState | undefined;
  /** Whether the link was seen to break. */
  readonly wentAway: boolean;
  /** When the reset was sent, on the clock's scale. */
  readonly sentMs: number;
  readonly waitMs: number;
  /** As of the session that is gone. */
  readonly maxRoundTripMs: number;
  /** Neither an answer nor the link's end tells that the reset has arrived: silence proves no absence then. */
  readonly isDoubtful: boolean;
  readonly signal: AbortSignal | undefined;
  readonly onPoll: () => void;
}

export interface Returned {
  /** Undefined where the device has no list. */
  readonly state: ImageState | undefined;
  /** False when nothing shows that it was ever away. */
  readonly isRebooted: boolean;
}

const DELAYS_MS = [100, 250, 500, 1_000, 2_000] as const;
const LAST_DELAY_MS = 2_000;
/** For one poll; opening a link to a device that is away may take this long to fail. */
const POLL_MS = 15_000;
/** Parameters and the image list, with one of them lost. */
const POLL_ROUND_TRIPS = 3;
/** A device that answers all this time with the state of before was not away at all, or only for a moment. */
const SETTLE_MS = 10_000;

/**
 * Waits for an answer that is not from before the reboot: after an absence, with another state, or long after the reset.
 * @throws SMP_UNREACHABLE_AFTER_RESET, what the pool throws when it closes, or the signal's reason
 */
export async function awaitReturn(device: DeviceHandle, wait: AwaitReturn): Promise<Returned> {
  let isRebooted = wait.wentAway;
  const settleMs = SETTLE_MS + wait.maxRoundTripMs;
  let lastError: unknown;
  for (let poll = 0; ; poll++) {
    wait.onPoll();
    const leftMs = wait.sentMs + wait.waitMs - nowMs();
    if (leftMs <= 0) throw unreachable(wait, lastError);
    await sleep(Math.min(DELAYS_MS[poll] ?? LAST_DELAY_MS, leftMs), wait.signal);
    try {
      const state = await readOnce(device, wait);
      isRebooted ||= isDifferent(wait.before, state);
      if (isRebooted || nowMs() - wait.sentMs > settleMs) return { state, isRebooted };
    } catch (error) {
      throwIfAborted(wait.signal);
      lastError = passing(error);
      // A refusal is an answer: the device is there, and not ready.
      if (error instanceof DeviceError) continue;
      isRebooted ||= !wait.isDoubtful;
      await device.drop();
    }
  }
}

async function readOnce(device: DeviceHandle, wait: AwaitReturn): Promise<ImageState | undefined> {
  const pollMs = POLL_MS + POLL_ROUND_TRIPS * wait.maxRoundTripMs;
  const limitMs = Math.max(1, Math.min(pollMs, wait.sentMs + wait.waitMs - nowMs()));
  return await withDeadline("the image state after the reset", limitMs, wait.signal, async (signal) => {
    const session = await device.session(signal);
    const list = await requestStateListIfAny(session, { signal, attempts: 1 });
    return list && (await imagesOf(session, list, signal));
  });
}

/** @throws the error when it will not pass */
function passing(error: unknown): SmpError {
  if (error instanceof SmpError && !LASTING.has(error.code)) return error;
  throw error;
}

const LASTING: ReadonlySet<SmpErrorCode> = new Set(["SMP_CLOSED", "SMP_ABORTED", "SMP_INTERNAL"]);

function isDifferent(before: ImageState | undefined, after: ImageState | undefined): boolean {
  return JSON.stringify(before) !== JSON.stringify(after);
}

function unreachable({ waitMs, before }: AwaitReturn, cause: unknown): SmpError {
  const pending = before?.find((slot) => slot.pending);
  const expected = pending ? `; ${pending.version} was to be installed` : "";
  return new SmpError(
    "SMP_UNREACHABLE_AFTER_RESET",
    `the device did not come back within ${formatMs(waitMs)} after the reset${expected}`,
    {
      timeoutMs: waitMs,
      verdict: "unreachable-after-reset",
      cause,
    },
  );
}
