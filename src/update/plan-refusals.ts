/** Why an update is not begun. */
import { SmpError } from "../errors";
import { compareVersions, parseVersion } from "../image/version";
import { checkFirmware, type Finding } from "./checks";
import type { InstallKind } from "./install-kind";
import type { Standing } from "./plan-standing";
import type { PlanFacts, PlannedPart } from "./plan-types";
import { activeSlot, describeSlot, describeState } from "./state";
import type { Firmware, ImageState, SlotState } from "./types";
import type { CompletePolicy } from "./update-policy";

/** An image of the update that does not simply run already. */
export interface MovingPart extends PlannedPart {
  readonly firmware: Firmware;
  readonly standing: Standing;
}

/** What `checkFirmware` says of an image, and this update's own rules about its version. */
export function checksOf(
  part: MovingPart,
  parts: readonly MovingPart[],
  { device, policy, kind }: { device: PlanFacts; policy: CompletePolicy; kind: InstallKind },
): readonly Finding[] {
  const companions = parts
    .filter(({ image }) => image !== part.image)
    .map(({ image, info }) => ({ image, version: info.versionText }));
  const { fileSha256, securityCounter } = policy;
  const upgradeOnly = policy.versions === "newer";
  const { inRecovery } = device;
  const findings = checkFirmware({
    ...part,
    device,
    inRecovery,
    policy: { fileSha256, securityCounter, upgradeOnly, companions },
  });
  return [...objectionToVersion(part, { images: device.images, policy, kind }), ...findings];
}

function objectionToVersion(
  { firmware, info }: MovingPart,
  { images, policy, kind }: { images: ImageState; policy: CompletePolicy; kind: InstallKind },
): Finding[] {
  const running = activeSlot(images, firmware.image);
  const order = running && compareTexts(firmware.version, running.version);
  if (order === undefined || order > 0) return [];
  const comparison = `${info.versionText} is ${order < 0 ? "older than" : "the same version as"} what runs (${running!.version})`;
  const refuse = (why: string): Finding => ({
    check: "version",
    level: "refuse",
    because: `${comparison}, and ${why}`,
    error: { code: "SMP_NOT_NEWER", verdict: "refused-downgrade" },
  });
  if (order < 0 && policy.versions === "not-older") return [refuse("older firmware is not wanted")];
  return runsNewest(kind, running!) && policy.goal !== "upload"
    ? [refuse("this bootloader runs only the newest image")]
    : [];
}

/** Also of a bootloader that does not tell: what runs from another slot than 0 runs where it lies. */
function runsNewest(kind: InstallKind, running: SlotState): boolean {
  return kind === "newest" || kind === "newest-on-trial" || running.slot > 0;
}

/** Undefined when a device shows what is no version. */
function compareTexts(a: string, b: string): number | undefined {
  try {
    return compareVersions(parseVersion(a), parseVersion(b));
  } catch {
    return undefined;
  }
}

export function refuseTrialWanted({ goal, gate }: CompletePolicy, why: string): SmpError | undefined {
  if (goal !== "test" && !gate) return undefined;
  const wanted = gate ? "a gate between trial and confirm" : "a trial";
  return new SmpError("SMP_NO_TRIAL", `${wanted} is wanted, and there can be none: ${why}`);
}

export function refuseStrangerTrial(state: ImageState, trial: SlotState): SmpError {
  return new SmpError(
    "SMP_TRIAL_RUNNING",
    `${trial.version} runs on trial, so that no slot of image ${trial.image} is free, and a reset would end it (${describeState(state)})`,
  );
}

export function refuseStrangerPending(pending: SlotState): SmpError {
  return new SmpError("SMP_IMAGE_PENDING", `another image waits for the next reset in ${describeSlot(pending)}`);
}

export function refuseMixedMarks(part: MovingPart): SmpError {
  return new SmpError(
    "SMP_IMAGE_PENDING",
    `image ${part.image} (${part.firmware.version}) is marked for a trial from before, and cannot be made permanent together with the other images any more`,
  );
}

export function refusePermanent(part: MovingPart): SmpError {
  return new SmpError(
    "SMP_IMAGE_PENDING",
    `${part.firmware.version} is marked as permanent from before: the next reset installs it for good, and there is no trial`,
    { hint: 'Reset the device, or choose the policy "confirm" without a gate.' },
  );
}
