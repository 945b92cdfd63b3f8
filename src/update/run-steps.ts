/** Does the steps of a plan on a device, one after the other. */
import { throwIfAborted } from "../clock";
import { SmpError } from "../errors";
import type { DeviceHandle } from "../session/types";
import { confirmImage } from "./confirm-image";
import { installKind } from "./install-kind";
import type { HeldAbort } from "./held-abort";
import { makePermanent } from "./make-permanent";
import type { PlanFacts, PlanStep } from "./plan-types";
import { resetDevice } from "./reset-device";
import type { RunProgress } from "./run-progress";
import type { RunRecord } from "./run-record";
import type { UpdateOptions, UpdatePart } from "./run-types";
import { settleTrial } from "./settle-trial";
import { activeSlot, activeWithHash, describeState, slotWithHash } from "./state";
import { testImage } from "./test-image";
import type { Firmware, ImageState } from "./types";
import { uploadFirmware, type UploadOptions } from "./upload";
import { judge } from "./verdict";

export interface StepsContext {
  readonly device: DeviceHandle;
  /** The device as it was given. */
  readonly address: string;
  readonly options: UpdateOptions;
  readonly facts: PlanFacts;
  readonly record: RunRecord;
  readonly progress: RunProgress;
  readonly abort: HeldAbort;
}

type Work = (step: PlanStep, context: StepsContext) => Promise<void>;

const WORK: Readonly<Record<Exclude<PlanStep["step"], "gate">, Work>> = {
  skip: async () => undefined,
  settle,
  upload,
  test: mark,
  permanent: mark,
  reset,
  verify,
  confirm,
};

/** @param steps none of them a gate. @throws what the first step throws that fails */
export async function runSteps(steps: readonly PlanStep[], context: StepsContext): Promise<void> {
  for (const step of steps) {
    throwIfAborted(context.abort.signal);
    if (step.step === "gate") throw new SmpError("SMP_INTERNAL", "a gate is no step on a device");
    const work = WORK[step.step];
    await context.record.step(step, () => work(step, context));
    const firmware = context.record.firmware.find(({ image }) => image === step.image);
    tellStanding(context, firmware, context.record.state);
  }
}

function tellStanding(
  { options, address: device }: StepsContext,
  firmware: Firmware | undefined,
  images?: ImageState,
): void {
  options.onStanding?.({ device, firmware, images });
}

async function settle(step: PlanStep, { device, options, record, progress, abort }: StepsContext): Promise<void> {
  progress.begin(step, "settling");
  const { waitMs, trialWaitMs } = options;
  record.state = await settleTrial(device, step, { waitMs, trialWaitMs, signal: abort.signal });
}

async function upload(step: PlanStep, context: StepsContext): Promise<void> {
  const { device, options, facts, record, progress, abort } = context;
  const { source, info, image } = partOf(record.parts, step);
  const { policy = {}, window } = options;
  const others = record.parts.filter((part) => part.image !== image);
  const demands: UploadOptions = {
    image,
    window,
    fileSha256: policy.fileSha256,
    securityCounter: policy.securityCounter,
    upgradeOnly: policy.versions === "newer",
    allowRecovery: policy.allowRecovery,
    decidedFor: record.state,
    companions: others.map((part) => ({ image: part.image, version: part.info.versionText })),
    onProgress: (told) => {
      if (told.phase === "erasing") tellStanding(context, wantedOf(record, step));
      progress.upload(told);
    },
  };
  const work = (signal: AbortSignal) => uploadFirmware(device, source, info, { ...demands, signal });
  await passBrake(context);
  progress.begin(step, "checking");
  const { signal } = abort;
  const onPause = (): void => progress.enter("paused");
  // In recovery an upload that stops is begun anew, with no firmware to run meanwhile.
  const isInPlace = installKind(facts) === "in-place";
  const { brake } = options;
  const result = await (isInPlace || !brake ? work(signal) : brake.interrupt(signal, work, onPause));
  record.uploaded(result);
  progress.uploaded(info.sizeBytes);
}

/** From here to the state after the reset a person's abort is held: it would leave a device of which nothing is known. */
async function mark(step: PlanStep, context: StepsContext): Promise<void> {
  const { device, record, progress, abort } = context;
  await passBrake(context);
  refuseEndedTrial(record);
  abort.hold();
  progress.begin(step, "marking");
  const { hash, image } = wantedOf(record, step);
  const { signal } = abort;
  record.state =
    step.step === "test"
      ? await testImage(device, { hash, image, signal })
      : await makePermanent(device, { hash, image }, signal);
}

/** An image that was to stay with the one that is marked now may have crashed during its upload. */
function refuseEndedTrial({ plan, state, firmware }: RunRecord): void {
  const ranOnTrial = (wanted: Firmware): boolean => activeWithHash(plan?.images ?? [], wanted)?.confirmed === false;
  const ended = firmware.find((wanted) => ranOnTrial(wanted) && !activeWithHash(state, wanted));
  if (!ended) return;
  throw new SmpError(
    "SMP_WRONG_IMAGE",
    `${ended.version} ran on trial, which has ended meanwhile (${describeState(state)})`,
    { verdict: "reverted" },
  );
}

async function passBrake({ options: { brake }, progress, abort }: StepsContext): Promise<void> {
  if (brake?.isOn) progress.enter("paused");
  await brake?.released(abort.signal);
}

async function reset(step: PlanStep, context: StepsContext): Promise<void> {
  const { device, options, record, progress, abort } = context;
  abort.hold();
  progress.begin(step, "resetting");
  const { state: beforeReset } = record;
  let isStarted = false;
  const notRunning = record.firmware.find((firmware) => !record.onTrial.includes(firmware));
  const result = await resetDevice(device, {
    wanted: firstMoving(context) ?? notRunning,
    waitMs: options.waitMs,
    signal: abort.signal,
    unless: (now) => (isStarted = hasStarted(context, now)),
    onProgress: (told) => progress.reset(told),
  });
  record.state = result.after;
  record.beforeReset = isStarted ? beforeReset : result.before;
  if (isStarted) return;
  record.swapMs = result.absentMs;
  progress.swapTook(result.absentMs);
}

/**
 * Whether the device has rebooted by itself since: a reset would take its trial back.
 * @throws SMP_WRONG_IMAGE for a device that has not got what was brought: a reset might end another trial
 */
function hasStarted({ record }: StepsContext, now: ImageState): boolean {
  const lost = record.firmware.find((wanted) => slotWithHash(record.state, wanted) && !slotWithHash(now, wanted));
  if (lost) throw goneBeforeReset(lost, record.state, now);
  const runs = (state: ImageState): boolean =>
    record.firmware.every((wanted) => activeWithHash(state, wanted) !== undefined);
  return !runs(record.state) && runs(now);
}

function goneBeforeReset(wanted: Firmware, before: ImageState, now: ImageState): SmpError {
  const { image, version } = wanted;
  const isAsBefore = activeSlot(before, image)?.hash === activeSlot(now, image)?.hash;
  const verdict = isAsBefore ? judge({ before, after: now, wanted }).verdict : "failed";
  const message = `${version} was brought to the device, and is in no slot of it any more: no reset is sent (${describeState(now)})`;
  const hint =
    "The device has rebooted by itself and did not accept it, another client has updated it, or another device answers at this address: update again.";
  return new SmpError("SMP_WRONG_IMAGE", message, { verdict, hint });
}

/** The state is that of the reset's end: it was read when the device was back. */
async function verify(step: PlanStep, { record, progress, abort }: StepsContext): Promise<void> {
  progress.begin(step, "verifying");
  const { beforeReset: before, state } = record;
  for (const wanted of record.firmware) {
    const { verdict, because } = judge({ before, after: state, wanted });
    if (verdict === "testing" || verdict === "confirmed" || verdict === "already-current") continue;
    throw new SmpError("SMP_WRONG_IMAGE", `image ${wanted.image}: ${because} (${describeState(state)})`, { verdict });
  }
  abort.release();
}

async function confirm(step: PlanStep, { device, record, progress, abort }: StepsContext): Promise<void> {
  progress.begin(step, "confirming");
  record.mayTrialBeOver = true;
  const { hash, image, installedHash } = wantedOf(record, step);
  record.state = await confirmImage(device, { hash, image, installedHash, signal: abort.signal });
}

/** What the reset is about: an image that is to be installed, rather than one that runs already. */
function firstMoving({ record }: StepsContext): Firmware | undefined {
  const { plan } = record;
  const images = new Set(
    plan?.steps.flatMap(({ step, image }) => (step === "test" || step === "permanent" ? [image] : [])),
  );
  return record.firmware.find(({ image }) => images.has(image));
}

function wantedOf({ firmware }: RunRecord, { image, hash }: PlanStep): Firmware {
  return firmware.find((each) => each.image === image && each.hash === hash)!;
}

function partOf(parts: readonly UpdatePart[], { image }: PlanStep): UpdatePart {
  return parts.find((part) => part.image === image)!;
}
