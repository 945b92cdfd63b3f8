/**
 * What has to be done on a device so that it runs a firmware, and why: pure, from the device's state, the firmware, the
 * bootloader's mode and the policy. Source: MCUboot `design.md` (swap types), Zephyr `img_mgmt_state.c`.
 */
import { SmpError } from "../errors";
import { refusalIn } from "./checks";
import { describeFirmware } from "./firmware";
import { installKind, whyNoTrial, type InstallKind } from "./install-kind";
import {
  checksOf,
  refuseMixedMarks,
  refusePermanent,
  refuseStrangerPending,
  refuseStrangerTrial,
  refuseTrialWanted,
  type MovingPart,
} from "./plan-refusals";
import { afterTrial, standingOf, strangerOnTrial, strangerPending } from "./plan-standing";
import { stepsOf } from "./plan-steps";
import { sentenceOf } from "./plan-sentence";
import type { PlanFacts, PlannedPart, PlanStep, UpdatePlan } from "./plan-types";
import { refuseFile } from "./preflight";
import { refuseInRecovery, refuseOneSlot } from "./recovery";
import { describeSlot, holds, pendingSlot, trialRunning } from "./state";
import type { ImageState, SlotState, UpdateVerdict } from "./types";
import { completePolicy, type CompletePolicy, type UpdatePolicy } from "./update-policy";

/** What is to be planned. */
export interface PlanSubject {
  readonly device: PlanFacts;
  /** The images that the update brings, one for each number. */
  readonly parts: readonly PlannedPart[];
  readonly policy?: UpdatePolicy | undefined;
}

/** @throws SMP_BAD_INPUT for a policy that contradicts itself, or parts for the same image */
export function planUpdate({ device, parts, policy = {} }: PlanSubject): UpdatePlan {
  checkParts(parts);
  return new Planner(device, parts, completePolicy(policy)).plan();
}

class Planner {
  readonly #device: PlanFacts;
  readonly #policy: CompletePolicy;
  readonly #kind: InstallKind;
  readonly #given: readonly PlannedPart[];
  readonly #settling: PlanStep[] = [];
  #checks: UpdatePlan["checks"] = [];

  constructor(device: PlanFacts, parts: readonly PlannedPart[], policy: CompletePolicy) {
    this.#device = device;
    this.#policy = policy;
    this.#kind = installKind(device);
    this.#given = parts;
  }

  plan(): UpdatePlan {
    try {
      return this.#plan();
    } catch (error) {
      if (!(error instanceof SmpError)) throw error;
      const verdict = (error.details.verdict ?? "failed") as UpdateVerdict;
      return this.#result("refused", error.message, { verdict, refusal: error.report() });
    }
  }

  #plan(): UpdatePlan {
    const images = this.#settled();
    const parts = this.#partsOn(images);
    const moving = parts.filter(({ standing }) => standing !== "current");
    const isOver = moving.length === 0 || this.#isReached(moving);
    for (const part of parts) if (isOver || isRunning(part)) this.#refuseFile(part);
    if (isOver && this.#settling.length === 0) return this.#nothing(parts, moving);
    if (!isOver) this.#refuseUnfit(images, moving);
    const noTrial = whyNoTrial(this.#kind, imagesOf(moving));
    if (!isOver) this.#refuseMarks(moving, noTrial);
    const subject = { images, parts, policy: this.#policy, kind: this.#kind, noTrial };
    const steps = isOver
      ? []
      : stepsOf({ ...subject, parts: [...moving, ...parts.filter((part) => !moving.includes(part))] });
    const all = [...this.#settling, ...steps];
    return this.#result("update", sentenceOf(all, this.#device.images, parts), { steps: all });
  }

  /** The state without the trials of other images, which the policy ends. */
  #settled(): ImageState {
    let { images } = this.#device;
    if (this.#device.inRecovery) return images;
    for (const image of new Set([...imagesOf(this.#given), ...this.#besides])) {
      const running = this.#strangerOnTrial(images, image);
      if (!running) continue;
      const how = this.#policy.onTrial;
      if (how === "refuse") throw refuseStrangerTrial(images, running.trial);
      this.#settling.push(settleStep(how, image, running));
      images = afterTrial(images, image, how === "revert" ? "reverted" : "confirmed");
    }
    return images;
  }

  #partsOn(images: ImageState): MovingPart[] {
    return this.#given.map((part) => {
      const firmware = describeFirmware(part.info, part.image);
      return { ...part, firmware, standing: standingOf(images, { ...part, firmware }, this.#device.inRecovery) };
    });
  }

  #strangerOnTrial(images: ImageState, image: number): ReturnType<typeof trialRunning> {
    const part = this.#partsOn(images).find((each) => each.image === image);
    return part ? strangerOnTrial(images, part.firmware) : trialRunning(images, image);
  }

  /** Images that the update does not bring, and that its reset would meet all the same. */
  get #besides(): number[] {
    if (this.#policy.goal === "upload" || this.#isUpToDate) return [];
    const own = imagesOf(this.#given);
    return this.#device.images.map(({ image }) => image).filter((image) => !own.includes(image));
  }

  get #isUpToDate(): boolean {
    return this.#partsOn(this.#device.images).every(({ standing }) => standing === "current");
  }

  /** Whether what runs is all that the goal asks for. */
  #isReached(moving: readonly MovingPart[]): boolean {
    const { goal } = this.#policy;
    if (goal === "upload") return moving.every(({ standing }) => standing !== "absent");
    return goal === "test" && moving.every(({ standing }) => standing === "on-trial");
  }

  #refuseUnfit(images: ImageState, moving: readonly MovingPart[]): void {
    const { inRecovery } = this.#device;
    const { allowRecovery, versions } = this.#policy;
    if (inRecovery) refuseInRecovery(images, { allowRecovery, upgradeOnly: versions !== "any" });
    else if (this.#kind === "in-place" && !allowRecovery) throw refuseOneSlot();
    const pending = this.#strangerPending(images, moving);
    if (pending) throw refuseStrangerPending(pending);
    const unseen = moving.filter((part) => !isRunning(part));
    const context = { device: { ...this.#device, images }, policy: this.#policy, kind: this.#kind };
    this.#checks = unseen.flatMap((part) =>
      checksOf(part, moving, context).map((found) => ({ image: part.image, ...found })),
    );
    const refusal = refusalIn(this.#checks);
    if (refusal) throw refusal;
  }

  /** That the device has an image already is no reason to call another file right, or to confirm it. */
  #refuseFile({ info, signature }: PlannedPart): void {
    refuseFile({ info, signature, policy: { fileSha256: this.#policy.fileSha256 } });
  }

  #strangerPending(images: ImageState, moving: readonly MovingPart[]): SlotState | undefined {
    const own = moving.flatMap(({ firmware }) => strangerPending(images, firmware) ?? []);
    return own[0] ?? this.#besides.flatMap((image) => pendingSlot(images, image) ?? [])[0];
  }

  #refuseMarks(moving: readonly MovingPart[], noTrial: string | undefined): void {
    const { goal } = this.#policy;
    if (goal === "upload") return;
    const refusal = noTrial === undefined ? undefined : refuseTrialWanted(this.#policy, noTrial);
    if (refusal) throw refusal;
    if (this.#kind === "swap") this.#refuseOldMarks(moving, noTrial);
  }

  /** A mark from before cannot be changed (Zephyr: IMAGE_ALREADY_PENDING). */
  #refuseOldMarks(moving: readonly MovingPart[], noTrial: string | undefined): void {
    const { goal, gate } = this.#policy;
    const tried = moving.find(({ standing }) => standing === "pending");
    if (tried && noTrial !== undefined) throw refuseMixedMarks(tried);
    const permanent = moving.find(({ standing }) => standing === "permanent");
    if (permanent && (gate || goal === "test")) throw refusePermanent(permanent);
  }

  #nothing(parts: readonly MovingPart[], moving: readonly MovingPart[]): UpdatePlan {
    const verdict: UpdateVerdict =
      moving.length === 0 ? "already-current" : this.#policy.goal === "test" ? "testing" : "uploaded";
    const steps = stepsOf({
      images: this.#device.images,
      parts,
      policy: { ...this.#policy, goal: "upload" },
      kind: this.#kind,
      noTrial: undefined,
    });
    const reasons = steps.map(({ reason }) => reason);
    const pending = this.#device.images.find(
      (slot) => slot.pending && !parts.some(({ firmware }) => holds(slot, firmware)),
    );
    if (pending) reasons.push(`but the next reset installs what waits in ${describeSlot(pending)}`);
    return this.#result("nothing-to-do", reasons.join("; "), { steps, verdict });
  }

  #result(
    outcome: UpdatePlan["outcome"],
    because: string,
    rest: { steps?: readonly PlanStep[] } & Pick<UpdatePlan, "verdict" | "refusal">,
  ): UpdatePlan {
    const { images, bootMode } = this.#device;
    const { steps = [], ...verdict } = rest;
    const mode = bootMode === undefined ? {} : { bootMode };
    return { outcome, because, goal: this.#policy.goal, steps, ...verdict, checks: this.#checks, images, ...mode };
  }
}

function isRunning({ standing }: MovingPart): boolean {
  return standing === "current" || standing === "on-trial";
}

function settleStep(
  how: "confirm" | "revert" | "wait",
  image: number,
  { trial, fallback }: NonNullable<ReturnType<typeof strangerOnTrial>>,
): PlanStep {
  const reasons = {
    confirm: `${trial.version} runs on trial and takes the free slot's place: it is confirmed first, as the policy wants`,
    revert: `${trial.version} runs on trial and takes the free slot's place: a reset brings ${fallback.version} back first, as the policy wants`,
    wait: `${trial.version} runs on trial and takes the free slot's place: it is given time to confirm itself, as the policy wants`,
  };
  return { step: "settle", how, image, version: trial.version, hash: trial.hash, reason: reasons[how] };
}

function imagesOf(parts: readonly PlannedPart[]): number[] {
  return parts.map(({ image }) => image);
}

function checkParts(parts: readonly PlannedPart[]): void {
  const numbers = parts.map(({ image }) => image);
  if (parts.length > 0 && new Set(numbers).size === numbers.length) return;
  throw new SmpError(
    "SMP_BAD_INPUT",
    `an update needs one file for each image; these are for ${numbers.join(", ") || "none"}`,
    {
      field: "image",
    },
  );
}
