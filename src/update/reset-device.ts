/** Reboots the device and waits until it is really back, so that what happened can be told from its state. */
import { nowMs, sleep, throwIfAborted, withDeadline } from "../clock";
import { DeviceError, hasCode, SmpError, type SmpErrorCode } from "../errors";
import type { DeviceHandle, SmpSession } from "../session/types";
import { os } from "../smp/commands";
import { isUnservedRefusal } from "../smp/response";
import type { Body } from "../smp/shape";
import { checkHash, checkImageNumber } from "./firmware";
import { isUnanswered } from "./failure";
import { describeState, pendingSlot, requestStateListIfAny, trialRunning } from "./state";
import type { ImageState, ResetResult, Verdict, WantedImage } from "./types";
import { Absence } from "./absence";
import { imagesOf, requireBootloader } from "./recovery";
import { judge, type Judgement } from "./verdict";
import { awaitReturn, type AwaitReturn, type Returned } from "./await-return";

/** Where a reset stands. */
export interface ResetProgress {
  /** "swapping": the bootloader is expected to move images. */
  readonly phase: "resetting" | "waiting" | "swapping";
  readonly elapsedMs: number;
  /** Until the device is back, if it takes as long as last time; undefined until that was seen. */
  readonly etaMs: number | undefined;
}

/** What is absent has the default: a plain reset, and the verdict of what it made of the images. */
export interface ResetOptions {
  /** The image that the verdict is about; what the state before promises when absent. */
  readonly wanted?: WantedImage | undefined;
  /** Asks the application to let the reset pass though it would object. */
  readonly force?: boolean | undefined;
  /** Whether the state right before the reset makes it needless; it may throw when the reset is not wanted any more. */
  readonly unless?: ((state: ImageState) => boolean) | undefined;
  /** Stay in the bootloader's serial recovery, or start the firmware loader (Zephyr 4.2 and later; it is checked). No verdict is given then. */
  readonly toRecovery?: boolean | undefined;
  /**
   * Longest time for the device to come back, default 5 minutes; longer for a device whose last swap (or boot) took so long.
   * 0: do not wait.
   */
  readonly waitMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: ResetProgress) => void) | undefined;
}

/** A swap of large slots in slow external flash takes minutes. */
const WAIT_MS = 300_000;
/** Tries over a way that loses messages. */
const MAX_LOST = 3;
/** The reboot comes about 250 ms after the answer (CONFIG_MCUMGR_GRP_OS_RESET_MS). */
const LOSS_MS = 2_000;
/** Tries of a reset for which the device had no time or memory. */
const MAX_UNSERVED = 3;
const UNSERVED_PAUSE_MS = 500;

/**
 * @throws SMP_REVERTED, SMP_REJECTED_BY_BOOTLOADER, SMP_NOT_SWAPPED, SMP_WRONG_IMAGE with details.verdict when the device
 *   is back, but not as its state before promised; SMP_UNREACHABLE_AFTER_RESET when it is not back in time; SMP_DEVICE when
 *   it refuses; SMP_STATE_UNCHANGED when it ignores `toRecovery`; SMP_TIMEOUT when the reset was not answered and nothing
 *   happened; SMP_BAD_INPUT; or the signal's reason
 */
export async function resetDevice(device: DeviceHandle, options: ResetOptions = {}): Promise<ResetResult> {
  const { signal } = options;
  const wanted = options.wanted && {
    ...options.wanted,
    hash: checkHash(options.wanted.hash),
    image: checkImageNumber(options.wanted.image),
  };
  try {
    return await reset(device, { ...options, wanted });
  } catch (error) {
    throwIfAborted(signal);
    throw error instanceof SmpError ? error.with({ device: device.key, phase: "reset" }) : error;
  }
}

async function reset(device: DeviceHandle, options: ResetOptions): Promise<ResetResult> {
  const { signal } = options;
  const session = await device.session(signal);
  const list = await requestStateListIfAny(session, { signal });
  const listed = list && (await imagesOf(session, list, signal));
  if (!listed || !options.unless?.(listed)) return await resetFrom(device, listed, options);
  return { before: listed, after: listed, absentMs: 0, verdict: undefined, because: "no reset is needed any more" };
}

/** @param listed the state before; undefined where the device has no list */
async function resetFrom(
  device: DeviceHandle,
  listed: ImageState | undefined,
  options: ResetOptions,
): Promise<ResetResult> {
  const { wanted, waitMs = WAIT_MS, toRecovery = false, signal } = options;
  const before = listed ?? [];
  const startMs = nowMs();
  const isSwapExpected = promisesChange(before);
  const absence = new Absence(device.learnt, isSwapExpected);
  const report = (phase: ResetProgress["phase"]): void => {
    const elapsedMs = Math.round(nowMs() - startMs);
    options.onProgress?.({ phase, elapsedMs, etaMs: absence.etaMs(elapsedMs) });
  };

  report("resetting");
  const onPoll = (): void => report(isSwapExpected ? "swapping" : "waiting");
  const patienceMs = waitMs === 0 ? 0 : absence.patienceMs(waitMs);
  const after = await reboot(device, { before: listed, waitMs: patienceMs, signal, onPoll }, options);
  if (!after)
    return { before, after: [], absentMs: 0, verdict: undefined, because: "the reset was sent; nobody waited" };
  const absentMs = Math.round(nowMs() - after.sentMs);
  if (after.isRebooted) absence.lasted(absentMs);
  const result = { before, after: after.state ?? [], absentMs };
  if (toRecovery) {
    const because = await requireBootloader(await device.session(signal), listed === undefined, signal);
    return { ...result, verdict: undefined, because };
  }
  return { ...result, ...judgeKept(before, after.state, wanted) };
}

/** @throws what a verdict other than the one that the state before promised stands for */
function judgeKept(
  before: ImageState,
  after: ImageState | undefined,
  wanted: WantedImage | undefined,
): Pick<ResetResult, "verdict" | "because"> {
  if (!after) return { verdict: undefined, because: "the device restarted, and has no list of images" };
  const judgement = judge({ before, after, wanted });
  if (!judgement.asPromised) throw brokenPromise(judgement, after);
  return { verdict: judgement.verdict, because: judgement.because };
}

/** A boot will show in the state. */
function promisesChange(state: ImageState = []): boolean {
  return state.some(({ image }) => pendingSlot(state, image) || trialRunning(state, image));
}

type Wait = Pick<AwaitReturn, "before" | "waitMs" | "signal" | "onPoll">;

/**
 * Sends the reset and waits for the device; once more when it was lost: not answered, the device has been there ever since with
 * nothing changed, and too long ago to arrive still.
 * @returns undefined when nobody is to wait
 */
async function reboot(
  device: DeviceHandle,
  wait: Wait,
  options: ResetOptions,
): Promise<(Returned & { readonly sentMs: number }) | undefined> {
  for (let tries = 1; ; tries++) {
    const session = await device.session(wait.signal);
    const { maxRoundTripMs } = session;
    const unanswered = await sendReset(session, options);
    const sentMs = nowMs();
    const wentAway = await awaitLoss(session, wait.signal);
    await device.drop();
    if (wait.waitMs === 0) return undefined;
    // A message more that is lost is no absence, where the state would show one or the way is slow.
    const isDoubtful = unanswered !== undefined && !wentAway && (maxRoundTripMs > 0 || promisesChange(wait.before));
    const after = await awaitReturn(device, { ...wait, wentAway, sentMs, maxRoundTripMs, isDoubtful });
    if (!unanswered || after.isRebooted) return { ...after, sentMs };
    if (tries >= MAX_LOST) throw unanswered;
  }
}

/** @returns the error when no answer came, though the device may have rebooted. @throws SMP_DEVICE when it refuses */
async function sendReset(session: SmpSession, options: ResetOptions): Promise<SmpError | undefined> {
  const { force = false, toRecovery = false, signal } = options;
  const body = { ...(force && { force: true }), ...(toRecovery && { boot_mode: os.RESET_INTO.BOOTLOADER }) };
  try {
    await requestReset(session, body, signal);
    return undefined;
  } catch (error) {
    throwIfAborted(signal);
    if (error instanceof DeviceError) throw force ? error : withForceHint(error);
    if (isUnanswered(error)) return error;
    throw error;
  }
}

/** Not repeated by the session, as a second one would reboot the device once more; unless the first was not served. */
async function requestReset(
  session: SmpSession,
  body: Body<typeof os.reset.request>,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await session.request(os.reset, body, { signal });
      return;
    } catch (error) {
      if (attempt === MAX_UNSERVED || !isUnservedRefusal(error)) throw error;
      await sleep(UNSERVED_PAUSE_MS, signal);
    }
  }
}

function withForceHint(error: DeviceError): DeviceError {
  const hint = "The application objects at the moment: try again later, or with force.";
  return new DeviceError(error.message, { ...error.details, cause: error, hint, retryable: true });
}

/** Waits for the link to break, so that nobody takes the old session for the device after its boot. */
async function awaitLoss(session: SmpSession, signal: AbortSignal | undefined): Promise<boolean> {
  try {
    await withDeadline("the loss of the link", LOSS_MS, signal, () => session.ended);
    return true;
  } catch (error) {
    throwIfAborted(signal);
    if (hasCode(error, "SMP_TIMEOUT")) return false;
    throw error;
  }
}

const CODES: Partial<Record<Verdict, SmpErrorCode>> = {
  reverted: "SMP_REVERTED",
  "rejected-by-bootloader": "SMP_REJECTED_BY_BOOTLOADER",
  "not-swapped": "SMP_NOT_SWAPPED",
};

const NOTHING_RUNS =
  "The bootloader has found nothing that it boots, or was told to stay: reset the device once more, or update it there (allowRecovery). " +
  "One for direct-XIP that can revert boots only an image that is signed with --pad --confirm.";

function brokenPromise({ verdict, because }: Judgement, state: ImageState): SmpError {
  const code = CODES[verdict] ?? "SMP_WRONG_IMAGE";
  return new SmpError(code, `the device is back, but not as expected: ${because} (${describeState(state)})`, {
    verdict,
    ...(!state.some(({ active }) => active) && { hint: NOTHING_RUNS }),
  });
}
