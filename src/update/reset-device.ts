/** Reboots the device and waits until it is really back, so that what happened can be told from its state. */
import { nowMs, throwIfAborted, withDeadline } from "../clock";
import { DeviceError, SmpError, type SmpErrorCode } from "../errors";
import type { DeviceHandle, SmpSession } from "../session/types";
import { os } from "../smp/commands";
import { checkHash, checkImageNumber } from "./firmware";
import { isUnanswered } from "./failure";
import { describeState, pendingSlot, readImageState, trialRunning } from "./state";
import type { ImageState, ResetResult, Verdict, WantedImage } from "./types";
import { requireRecovery } from "./recovery";
import { judge, type Judgement } from "./verdict";
import { awaitReturn } from "./await-return";

export interface ResetProgress {
  /** "swapping": the bootloader is expected to move images. */
  readonly phase: "resetting" | "waiting" | "swapping";
  readonly elapsedMs: number;
}

export interface ResetOptions {
  /** The image that the verdict is about; what the state before promises when absent. */
  readonly wanted?: WantedImage | undefined;
  /** Asks the application to let the reset pass though it would object. */
  readonly force?: boolean | undefined;
  /** 1: stay in the bootloader's serial recovery (Zephyr 4.2 and later; it is checked). No verdict is given then. */
  readonly bootMode?: number | undefined;
  /** Longest time for the device to come back, default 5 minutes; 0: do not wait. */
  readonly waitMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: ResetProgress) => void) | undefined;
}

/** A swap of large slots in slow external flash takes minutes. */
const WAIT_MS = 300_000;
/** The reboot comes about 250 ms after the answer (CONFIG_MCUMGR_GRP_OS_RESET_MS). */
const LOSS_MS = 2_000;

/**
 * @throws SMP_REVERTED, SMP_REJECTED_BY_BOOTLOADER, SMP_NOT_SWAPPED, SMP_WRONG_IMAGE with details.verdict when the device
 *   is back, but not as its state before promised; SMP_UNREACHABLE_AFTER_RESET when it is not back in time; SMP_DEVICE when
 *   it refuses; SMP_STATE_UNCHANGED when it ignores `bootMode`; SMP_TIMEOUT when the reset was not answered and nothing
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
  const { wanted, waitMs = WAIT_MS, bootMode = 0, signal } = options;
  const session = await device.session(signal);
  const before = await readImageState(session, signal);
  const startMs = nowMs();
  const report = (phase: ResetProgress["phase"]): void =>
    options.onProgress?.({ phase, elapsedMs: Math.round(nowMs() - startMs) });

  report("resetting");
  const unanswered = await sendReset(session, options);
  const sentMs = nowMs();
  const wentAway = await awaitLoss(session, signal);
  await device.drop();
  if (waitMs === 0)
    return { before, after: [], absentMs: 0, verdict: undefined, because: "the reset was sent; nobody waited" };

  const isSwapExpected = before.some((slot) => pendingSlot(before, slot.image) || trialRunning(before, slot.image));
  const after = await awaitReturn(device, {
    before,
    wentAway,
    sentMs,
    waitMs,
    maxRoundTripMs: session.maxRoundTripMs,
    signal,
    onPoll: () => report(isSwapExpected ? "swapping" : "waiting"),
  });
  const absentMs = Math.round(nowMs() - sentMs);
  if (unanswered && !after.isRebooted) throw unanswered;
  const result = { before, after: after.state, absentMs };
  if (bootMode !== 0) {
    const because = await requireRecovery(await device.session(signal), signal);
    return { ...result, verdict: undefined, because };
  }
  const judgement = judge({ before, after: after.state, wanted });
  if (!judgement.asPromised) throw brokenPromise(judgement, after.state);
  return { ...result, verdict: judgement.verdict, because: judgement.because };
}

/** @returns the error when no answer came, though the device may have rebooted. @throws SMP_DEVICE when it refuses */
async function sendReset(session: SmpSession, options: ResetOptions): Promise<SmpError | undefined> {
  const { force = false, bootMode, signal } = options;
  const body = { ...(force && { force: true }), ...(bootMode !== undefined && { boot_mode: bootMode }) };
  try {
    await session.request(os.reset, body, { signal });
    return undefined;
  } catch (error) {
    throwIfAborted(signal);
    if (error instanceof DeviceError) throw force ? error : withForceHint(error);
    if (isUnanswered(error)) return error;
    throw error;
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
    if (error instanceof SmpError && error.code === "SMP_TIMEOUT") return false;
    throw error;
  }
}

const CODES: Partial<Record<Verdict, SmpErrorCode>> = {
  reverted: "SMP_REVERTED",
  "rejected-by-bootloader": "SMP_REJECTED_BY_BOOTLOADER",
  "not-swapped": "SMP_NOT_SWAPPED",
};

function brokenPromise({ verdict, because }: Judgement, state: ImageState): SmpError {
  const code = CODES[verdict] ?? "SMP_WRONG_IMAGE";
  return new SmpError(code, `the device is back, but not as expected: ${because} (${describeState(state)})`, {
    verdict,
  });
}
