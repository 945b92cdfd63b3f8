/** Puts a firmware file into the device's free slot. Rules: Zephyr `img_mgmt_upload`, the device's offset is the truth. */
import { nowMs, throwIfAborted } from "../clock";
import { SmpError } from "../errors";
import type { FirmwareSource } from "../image/firmware-source";
import type { FirmwareInfo } from "../image/inspect";
import type { PublicKey } from "../image/public-key";
import { verifySignature, type SignatureCheck } from "../image/signature";
import type { DeviceHandle, SmpSession } from "../session/types";
import { sendChunks } from "./chunks";
import { checkImageNumber, describeFirmware } from "./firmware";
import { sendFirstChunk } from "./first-chunk";
import type { CheckPolicy, Finding } from "./checks";
import { preflight, refuseFile, whyNotNeeded } from "./preflight";
import { probeWay } from "./probe-way";
import { ProgressMeter } from "./progress";
import { Reconnecting } from "./reconnect";
import { refuseInRecovery, slotHolding, standpoint } from "./recovery";
import { activeSlot, describeState, requestStateList, shortHash } from "./state";
import type { ImageState, UploadProgress, UploadResult } from "./types";
import { UploadRun } from "./upload-run";

/** What is absent has the default; the checks of {@link CheckPolicy} come before the first byte. */
export interface UploadOptions extends CheckPolicy {
  /** Image number, default 0. */
  readonly image?: number | undefined;
  /** Only an image that is signed by one of these is sent; none at all: any image. */
  readonly keys?: readonly PublicKey[] | undefined;
  /** Upload in MCUboot's serial recovery too, and with one slot, where it overwrites what is there and nothing can be taken back. */
  readonly allowRecovery?: boolean | undefined;
  /** The state that the upload was decided for: not begun when another firmware runs by now. */
  readonly decidedFor?: ImageState | undefined;
  /** Chunks under way at once, 1 to 8; what device and link allow when absent, and never more. */
  readonly window?: number | undefined;
  /** Stops it between two chunks; the device can go on with the same file later. */
  readonly signal?: AbortSignal | undefined;
  /** Called with each offset that the device acknowledges and each change of phase. */
  readonly onProgress?: ((progress: UploadProgress) => void) | undefined;
}

const MAX_WINDOW = 8;

/** The demands on the file, and what is known of its signature. */
type FileChecks = CheckPolicy & { readonly signature: SignatureCheck | undefined; readonly decidedFor: ImageState };

/**
 * Uploads a file, unless the device has the image already, and proves by the image state that it arrived. Takes an
 * interrupted upload of the same file up where it stopped. A bootloader in recovery that can list nothing proves nothing:
 * `images` is empty then, and the verdict of the reset tells.
 * @param info what `inspectFirmware` says about `source`
 * @throws SMP_WRONG_FILE, SMP_BAD_SIGNATURE, SMP_BAD_INPUT, SMP_TRIAL_RUNNING, SMP_IMAGE_PENDING, SMP_IN_RECOVERY, SMP_NO_TRIAL, SMP_BAD_IMAGE, SMP_IMAGE_TOO_LARGE,
 *   SMP_NOT_NEWER, SMP_DEPENDENCY before anything is sent;
 *   SMP_FRAME_TOO_LARGE, SMP_UPLOAD_OFFSET, SMP_UPLOAD_FAILED, SMP_TIMEOUT, SMP_LINK_LOST, SMP_DEVICE,
 *   SMP_FIRMWARE_SOURCE, SMP_IN_RECOVERY (it came up there in mid-upload) with the offset where it stopped; or the signal's reason
 */
export async function uploadFirmware(
  device: DeviceHandle,
  source: FirmwareSource,
  info: FirmwareInfo,
  options: UploadOptions = {},
): Promise<UploadResult> {
  const { signal, upgradeOnly = false, allowRecovery = false } = options;
  const window = checkWindow(options.window);
  const firmware = describeFirmware(info, checkImageNumber(options.image ?? 0));
  const progress = new ProgressMeter(info.sizeBytes, options.onProgress);
  const run = new UploadRun({ device, source, info, firmware, upgradeOnly, allowRecovery, window, signal }, progress);
  try {
    return await upload(run, await checkFile(run, options));
  } catch (error) {
    throwIfAborted(signal);
    if (!(error instanceof SmpError)) throw error;
    throw error.with({ device: device.key, phase: progress.phase, off: run.offsets.ackedBytes });
  } finally {
    run.close();
  }
}

/** What has nothing to do with the device. */
async function checkFile({ job }: UploadRun, { keys, decidedFor = [], ...policy }: UploadOptions): Promise<FileChecks> {
  const { source, info, signal } = job;
  const signature = keys && keys.length > 0 ? await verifySignature(source, keys, { signal }) : undefined;
  refuseFile({ info, policy, signature });
  return { ...policy, decidedFor, signature };
}

async function upload(run: UploadRun, file: FileChecks): Promise<UploadResult> {
  const startMs = nowMs();
  const { progress, job } = run;
  const reconnecting = new Reconnecting(run);
  let checks: readonly Finding[] = [];
  const result = (outcome: UploadResult["outcome"], images: ImageState): UploadResult => ({
    firmware: job.firmware,
    outcome,
    sentBytes: run.sentBytes,
    resumedFromBytes: run.resumedFromBytes ?? 0,
    startedOver: run.startedOver,
    retries: progress.retries,
    elapsedMs: Math.round(nowMs() - startMs),
    ...(job.source.servedFrom && { servedFrom: job.source.servedFrom }),
    images,
    checks,
  });

  progress.enter("checking");
  const check = await reconnecting.during((session) =>
    preflight(session, job.info, { ...file, ...job, image: job.firmware.image }),
  );
  checks = check.checks;
  if (check.outcome) return result(check.outcome, check.images);
  refuseAnother(run, file.decidedFor, check.images);
  for (;;) {
    await reconnecting.during(async (session) => {
      await probeWay(session, run);
      await transfer(session, run, check.images);
    });
    progress.enter("verifying");
    const images = await reconnecting.during((session) => verify(session, run, check.images));
    if (images) return result("uploaded", images);
  }
}

/** Sends until the device has the whole file. */
async function transfer(session: SmpSession, run: UploadRun, before: ImageState): Promise<void> {
  for (;;) {
    // A server that has all of it has forgotten the upload, and a first chunk would make it erase the slot again.
    const mayBeComplete = run.offsets.furthestBytes === run.lenBytes && !run.isSpoilt;
    if (mayBeComplete && (await run.isComplete(session))) return;
    const look = () => goesOnInRecovery(session, run, before);
    if (await look()) run.progress.start(run.offsets.ackedBytes);
    else await sendFirstChunk(session, run, look);
    if ((await sendChunks(session, run)) === "complete") return;
    run.setback(0);
  }
}

/**
 * Whether the next chunk goes to MCUboot's recovery, which is never asked by a first chunk where the upload stands: it would
 * erase the slot and start over. Any other chunk it takes, or answers with the offset that it wants; 0 after a restart.
 * @throws SMP_IN_RECOVERY, SMP_BAD_INPUT when the device has come up in recovery meanwhile, and the upload was not to go there;
 *   as {@link refuseAnother}
 */
async function goesOnInRecovery(session: SmpSession, run: UploadRun, before: ImageState): Promise<boolean> {
  const { signal } = run.job;
  const { images, inRecovery } = await standpoint(session, await requestStateList(session, { signal }), signal);
  run.isInRecovery = inRecovery;
  if (!inRecovery) {
    refuseAnother(run, before, images);
    return false;
  }
  refuseInRecovery(images, run.job);
  return run.offsets.ackedBytes > 0;
}

/**
 * What was checked before the first byte was checked for what ran then, and for a slot that was free then.
 * @throws SMP_UPLOAD_FAILED when another firmware runs now; SMP_TRIAL_RUNNING, SMP_IMAGE_PENDING when the slot has been taken since
 */
function refuseAnother({ label, job }: UploadRun, before: ImageState, now: ImageState): void {
  const { image } = job.firmware;
  const [ran, runs] = [activeSlot(before, image), activeSlot(now, image)];
  if (!ran || ran.hash === runs?.hash) return void whyNotNeeded(now, job, false);
  throw new SmpError(
    "SMP_UPLOAD_FAILED",
    `${label} was begun while ${ran.version} ${shortHash(ran.hash)} ran, and now the device is another (${describeState(now)})`,
    {
      hint: "Another device answers at this address, or somebody else has updated it meanwhile: upload again, so that all is checked anew.",
    },
  );
}

/** @returns undefined when it is worth another upload from the beginning */
async function verify(session: SmpSession, run: UploadRun, before: ImageState): Promise<ImageState | undefined> {
  const { firmware, signal } = run.job;
  const { images, inRecovery } = await standpoint(session, await requestStateList(session, { signal }), signal);
  if (inRecovery) refuseInRecovery(images, run.job);
  if (slotHolding(images, run.job, inRecovery)) return images;
  // MCUboot for RAM loading that found no image lists none before the next boot, which is where the proof is.
  if (inRecovery && before.length === 0 && images.length === 0) return images;
  if (run.startsOver()) return undefined;
  throw new SmpError(
    "SMP_UPLOAD_FAILED",
    `${run.label} is complete, but the device lists no image ${shortHash(firmware.hash)} (${describeState(images)})`,
    {
      hint: "Another client may have written to the slot meanwhile, or the device's build does not know the image's kind of hash.",
    },
  );
}

function checkWindow(window: number | undefined): number | undefined {
  if (window === undefined || (Number.isInteger(window) && window >= 1 && window <= MAX_WINDOW)) return window;
  throw new SmpError("SMP_BAD_INPUT", `the window must be a whole number from 1 to ${MAX_WINDOW}; it is ${window}`, {
    field: "window",
  });
}
