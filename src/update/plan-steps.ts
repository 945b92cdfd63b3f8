/** The steps of an update, in their order, with the reason for each. */
import type { InstallKind } from "./install-kind";
import type { MovingPart } from "./plan-refusals";
import { slotFor } from "./plan-standing";
import type { PlanStep } from "./plan-types";
import type { Firmware, ImageState } from "./types";
import type { CompletePolicy } from "./update-policy";

export interface StepsSubject {
  readonly images: ImageState;
  readonly parts: readonly MovingPart[];
  readonly policy: CompletePolicy;
  readonly kind: InstallKind;
  /** Why nothing can be tried; undefined when it can. */
  readonly noTrial: string | undefined;
}

/** All steps from the upload on, for images of which at least one is not what runs for good. */
export function stepsOf(subject: StepsSubject): PlanStep[] {
  const { parts, policy } = subject;
  const uploads = parts.map((part) => uploadStep(part, subject));
  if (policy.goal === "upload") return uploads;
  const onTrial = parts.filter(({ standing }) => standing === "on-trial");
  const booting = parts.filter(({ standing }) => standing !== "on-trial" && standing !== "current");
  if (booting.length === 0) return [...uploads, ...afterTrial(onTrial, subject)];
  // Image 0 last: builds may refuse to mark or confirm another one, which must not leave half of an update marked.
  const marks = [...booting, ...onTrial]
    .toSorted((a, b) => b.image - a.image)
    .flatMap((part) => toStay(part, subject) ?? []);
  const tried = booting.filter((part) => isTried(part, subject));
  return [...uploads, ...marks, resetStep(subject, tried), verifyStep(tried), ...afterTrial(tried, subject)];
}

/** What an image needs before the reset. One on trial that another core's image joins: its trial ends first, or the reset would end it. */
function toStay(part: MovingPart, subject: StepsSubject): PlanStep | undefined {
  if (part.standing !== "on-trial") return markStep(part, subject);
  return confirmStep(part, "it runs on trial, and the coming reset would revert it");
}

/** Whether the image runs on trial after the reset. */
function isTried({ standing }: MovingPart, { policy, noTrial }: StepsSubject): boolean {
  if (standing === "permanent" || noTrial !== undefined) return false;
  return policy.goal !== "confirm" || standing === "pending";
}

function uploadStep(part: MovingPart, { images, kind }: StepsSubject): PlanStep {
  const { standing, firmware, info } = part;
  const at = place(firmware, slotFor(images, part, kind));
  const is = { current: "it runs and is confirmed", "on-trial": "it runs already, on trial" } as const;
  if (standing === "current" || standing === "on-trial") {
    return { step: "skip", ...at, reason: `${firmware.version} is not sent: ${is[standing]}` };
  }
  if (standing !== "absent") {
    return { step: "skip", ...at, reason: `${firmware.version} is not sent: it is in slot ${at.slot} already` };
  }
  const reason = `${info.sizeBytes} bytes of ${firmware.version} go into slot ${at.slot}, which is free`;
  if (kind !== "in-place") return { step: "upload", ...at, reason };
  return {
    step: "upload",
    ...at,
    reason: `${info.sizeBytes} bytes of ${firmware.version} go over the firmware in slot 0`,
    noReturn: true,
  };
}

function markStep(part: MovingPart, subject: StepsSubject): PlanStep | undefined {
  const { firmware, standing } = part;
  const { images, policy, kind, noTrial } = subject;
  const at = place(firmware, slotFor(images, part, kind));
  if (kind === "newest" || kind === "in-place") {
    return { step: "skip", ...at, reason: `nothing is marked: ${noTrial}` };
  }
  if (standing === "pending" || standing === "permanent") {
    const how = standing === "pending" ? "for a trial" : "as permanent";
    return { step: "skip", ...at, reason: `${firmware.version} is marked ${how} from before` };
  }
  if (kind === "overwrite") {
    return {
      step: "test",
      ...at,
      reason: `selects ${firmware.version} for the next boot; ${noTrial}: there is no trial`,
    };
  }
  if (noTrial !== undefined)
    return { step: "permanent", ...at, reason: `marks ${firmware.version} to stay: ${noTrial}` };
  if (policy.goal === "confirm") {
    return {
      step: "permanent",
      ...at,
      reason: `marks ${firmware.version} to stay, as the policy wants: there is no trial`,
    };
  }
  return { step: "test", ...at, reason: `marks ${firmware.version} for one trial boot` };
}

function resetStep({ kind }: StepsSubject, tried: readonly MovingPart[]): PlanStep {
  const does = kind === "in-place" || kind.startsWith("newest") ? "starts" : "installs";
  if (tried.length > 0)
    return { step: "reset", reason: `the bootloader ${does} the image for a trial; another reset takes it back` };
  return { step: "reset", reason: `the bootloader ${does} the new firmware for good`, noReturn: true };
}

function verifyStep(tried: readonly MovingPart[]): PlanStep {
  const expected = tried.length > 0 ? "runs on trial" : "runs and is confirmed";
  return { step: "verify", reason: `the device's state has to show that the new image ${expected}` };
}

function afterTrial(tried: readonly MovingPart[], { policy }: StepsSubject): PlanStep[] {
  if (tried.length === 0 || policy.goal === "test") return [];
  const gate: PlanStep[] = policy.gate
    ? [{ step: "gate", reason: "the flow decides whether the trial is confirmed or left to revert" }]
    : [];
  return [...gate, ...tried.map((part) => confirmStep(part, "it runs on trial, as it should"))];
}

function confirmStep({ firmware }: MovingPart, reason: string): PlanStep {
  return {
    step: "confirm",
    ...place(firmware, undefined),
    reason: `keeps ${firmware.version}: ${reason}`,
    noReturn: true,
  };
}

function place(
  { image, version, hash }: Firmware,
  slot: number | undefined,
): Pick<PlanStep, "image" | "slot" | "version" | "hash"> {
  return { image, ...(slot !== undefined && { slot }), version, hash };
}
