/** Looks before anything is sent: an upload that cannot work, or is not needed, must not erase a slot. */
import { SmpError } from "../errors";
import type { FirmwareInfo } from "../image/inspect";
import type { SignatureCheck } from "../image/signature";
import type { SmpSession } from "../session/types";
import { checkFileSha256, checkSignature } from "./check-file";
import { noSuchImage } from "./check-size";
import { checkFirmware, refusalIn, type CheckPolicy, type CheckSubject, type Finding } from "./checks";
import { readHardware } from "./device-facts";
import { describeFirmware } from "./firmware";
import { installKind } from "./install-kind";
import { refuseInRecovery, refuseOneSlot, slotHolding, standpoint, type ImageToInstall } from "./recovery";
import {
  describeSlot,
  describeState,
  holds,
  isUpToDate,
  pendingSlot,
  requestStateList,
  type StateList,
  trialRunning,
} from "./state";
import type { Firmware, ImageState, UploadResult } from "./types";

export interface Preflight {
  readonly images: ImageState;
  /** Why nothing has to be sent; undefined when it has to. */
  readonly outcome: Exclude<UploadResult["outcome"], "uploaded"> | undefined;
  readonly checks: readonly Finding[];
}

export interface PreflightOptions extends CheckPolicy {
  /** Number of the image that the file is for. */
  readonly image: number;
  /** What the keys say about the file; undefined when none were given. */
  readonly signature?: SignatureCheck | undefined;
  readonly upgradeOnly: boolean;
  readonly allowRecovery: boolean;
  readonly signal: AbortSignal | undefined;
}

/**
 * @throws SMP_WRONG_FILE, SMP_BAD_SIGNATURE; SMP_BAD_INPUT (no such image), SMP_TRIAL_RUNNING, SMP_IMAGE_PENDING,
 *   SMP_IN_RECOVERY, SMP_NO_TRIAL, SMP_BAD_IMAGE, SMP_IMAGE_TOO_LARGE, SMP_NOT_NEWER, SMP_DEPENDENCY, and as `SmpSession.request`
 */
export async function preflight(
  session: SmpSession,
  info: FirmwareInfo,
  options: PreflightOptions,
): Promise<Preflight> {
  const { image, signal } = options;
  const list = await requestStateList(session, { signal });
  refuseUncounted(list, image);
  const { images, inRecovery } = await standpoint(session, list, signal);
  const outcome = whyNotNeeded(images, { info, firmware: describeFirmware(info, image) }, inRecovery);
  if (outcome === "already-current") return { images, outcome, checks: [] };
  if (inRecovery && outcome) return { images, outcome, checks: [] };
  if (inRecovery) refuseInRecovery(images, options);
  const device = { images, ...(await readHardware(session, signal)) };
  const isInPlace = !inRecovery && installKind(device) === "in-place";
  if (isInPlace && !outcome && !options.allowRecovery) throw refuseOneSlot();
  // Also of an image that is there already, maybe from before the last update: the next step would install it.
  const checks = checkFirmware({ ...options, info, device, inRecovery, policy: options });
  refuse(checks);
  return { images, outcome, checks };
}

/** Servers of one image leave the number out and would put any image into their one secondary slot. */
function refuseUncounted({ images }: StateList, image: number): void {
  const countsImages = images.length === 0 || images.some((entry) => entry.image !== undefined);
  if (image > 0 && !countsImages) refuse([noSuchImage(image, [0])]);
}

/** @throws SMP_WRONG_FILE, SMP_BAD_SIGNATURE for a file that no device shall get */
export function refuseFile(subject: Pick<CheckSubject, "info" | "policy" | "signature">): void {
  refuse([...checkFileSha256(subject), ...checkSignature(subject)]);
}

function refuse(findings: readonly Finding[]): void {
  const error = refusalIn(findings);
  if (error) throw error;
}

/**
 * Whether the device has the image already.
 * @throws SMP_TRIAL_RUNNING or SMP_IMAGE_PENDING when the slot for it is in use (protocol: Zephyr `img_mgmt_slot_in_use`)
 */
export function whyNotNeeded(state: ImageState, wanted: ImageToInstall, inRecovery: boolean): Preflight["outcome"] {
  const { firmware } = wanted;
  if (isUpToDate(state, firmware)) return "already-current";
  refuseDuringTrial(state, firmware);
  const pending = pendingSlot(state, firmware.image);
  if (pending && !holds(pending, firmware)) throw imagePending(pending);
  return slotHolding(state, wanted, inRecovery) ? "already-in-slot" : undefined;
}

function refuseDuringTrial(state: ImageState, wanted: Firmware): void {
  const running = trialRunning(state, wanted.image);
  if (!running) return;
  const { trial, fallback } = running;
  let hint: string | undefined;
  if (holds(trial, wanted)) hint = "This very image runs on trial: confirm it.";
  if (holds(fallback, wanted)) hint = "Reset the device: it goes back to this very image.";
  throw new SmpError(
    "SMP_TRIAL_RUNNING",
    `the device runs ${trial.version} on trial and keeps ${fallback.version} to fall back to, so that no slot is free (${describeState(state)})`,
    hint === undefined ? {} : { hint },
  );
}

function imagePending(pending: ImageState[number]): SmpError {
  return new SmpError("SMP_IMAGE_PENDING", `another image waits for the next reset in ${describeSlot(pending)}`);
}
