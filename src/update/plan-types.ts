/** An update's plan as data. */
import type { SmpErrorReport } from "../errors";
import type { FirmwareInfo } from "../image/inspect";
import type { SignatureCheck } from "../image/signature";
import type { Finding } from "./checks";
import type { DeviceFacts } from "./device-facts";
import type { ImageState, UpdateVerdict } from "./types";
import type { UpdateGoal } from "./update-policy";

/** One image of the update. */
export interface PlannedPart {
  readonly info: FirmwareInfo;
  /** Number of the image that it is for. */
  readonly image: number;
  /** What `verifySignature` says; absent when no keys were given. */
  readonly signature?: SignatureCheck | undefined;
}

/** What a plan has to know of a device. */
export interface PlanFacts extends DeviceFacts {
  /** MCUboot's serial recovery answers, and no application. */
  readonly inRecovery: boolean;
}

/**
 * "settle": another image's trial is brought to an end first. "permanent": marked to stay, before the reset. "verify": the
 * state is read and judged. "skip": something is not needed, and is told why.
 */
export type StepName = "settle" | "upload" | "test" | "permanent" | "reset" | "verify" | "gate" | "confirm" | "skip";

/** One thing that an update will do. */
export interface PlanStep {
  readonly step: StepName;
  /** Image number, of steps that are about one image. */
  readonly image?: number;
  /** Where the image is to lie, or lies. */
  readonly slot?: number;
  readonly version?: string;
  /** MCUboot's hash in hex of the image in question. */
  readonly hash?: string;
  /** Of "settle". */
  readonly how?: "confirm" | "revert" | "wait";
  /** Why it is done, or not done. */
  readonly reason: string;
  /** From this step on the old firmware does not come back by itself. */
  readonly noReturn?: true;
}

/** What an update will do with one device, and why. */
export interface UpdatePlan {
  readonly outcome: "update" | "nothing-to-do" | "refused";
  /** One sentence that says what happens and why. */
  readonly because: string;
  readonly goal: UpdateGoal;
  readonly steps: readonly PlanStep[];
  /** What it comes to without doing anything. */
  readonly verdict?: UpdateVerdict;
  readonly refusal?: SmpErrorReport;
  /** What was looked at before, for each image that would change. */
  readonly checks: readonly ({ readonly image: number } & Finding)[];
  /** The state that the plan was made for. */
  readonly images: ImageState;
  readonly bootMode?: number;
}
