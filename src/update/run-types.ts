/** What an update of one device is given, tells on its way, and comes to. */
import type { SmpErrorReport } from "../errors";
import type { FirmwareSource } from "../image/firmware-source";
import type { Brake } from "./brake";
import type { PlannedPart, StepName, UpdatePlan } from "./plan-types";
import type { SwapTimes } from "./swap-times";
import type { Firmware, ImageState, UpdateVerdict, UploadPhase, UploadResult } from "./types";
import type { UpdatePolicy } from "./update-policy";
import type { ResetProgress } from "./reset-device";

/** One image of the update with its bytes. Any number of devices read the same source. */
export interface UpdatePart extends PlannedPart {
  readonly source: FirmwareSource;
}

/** What whoever decides about a trial gets to know. */
export interface GateQuestion {
  readonly device: string;
  /** What runs on trial. */
  readonly firmware: readonly Firmware[];
  readonly images: ImageState;
  /** How long the answer may take. */
  readonly deadlineMs: number;
}

/** Who decides, between trial and confirm, whether the trial is good. */
export interface Gate {
  /** True confirms the trial. @param signal aborts when no answer is wanted any more */
  ask(question: GateQuestion, signal: AbortSignal): Promise<boolean>;
  /** Default 10 minutes; the trial is left to revert then. */
  readonly deadlineMs?: number | undefined;
  /** Reset a device at once whose trial is not confirmed, rather than leave that to its next reset. Default false. */
  readonly revertAtOnce?: boolean | undefined;
}

/** The parts for a device in this state: a pair of builds for direct XIP has one for each slot. */
export type PartsFor = (images: ImageState) => readonly UpdatePart[];

/** What to bring to a device, and how. */
export interface UpdateOptions {
  /** One for each image number. */
  readonly parts: readonly UpdatePart[] | PartsFor;
  /** `gate` follows from whether there is a {@link Gate}. */
  readonly policy?: Omit<UpdatePolicy, "gate"> | undefined;
  readonly gate?: Gate | undefined;
  /**
   * Stops it: at once with SMP_CLOSED; with SMP_ABORTED not between the mark and the state after the reset, so that what
   * became of the device is known.
   */
  readonly signal?: AbortSignal | undefined;
  /** Holds it where nothing is lost: before the marks, and between two chunks of an upload. */
  readonly brake?: Brake | undefined;
  /** Longest time for the device to come back after a reset, default 5 minutes. */
  readonly waitMs?: number | undefined;
  /** Longest time for another image's trial to confirm itself (policy `onTrial: "wait"`), default 5 minutes. */
  readonly trialWaitMs?: number | undefined;
  /** Chunks under way at once; what device and link allow when absent. */
  readonly window?: number | undefined;
  /** What was learnt of earlier resets; shared by the updates of many devices. */
  readonly swapTimes?: SwapTimes | undefined;
  readonly onProgress?: ((progress: DeviceProgress) => void) | undefined;
  readonly onStanding?: ((standing: Standing) => void) | undefined;
}

/** How an update stands after something was done to the device. */
export interface Standing {
  readonly device: string;
  /** The image it was done to; absent when it was done to all. */
  readonly firmware?: Firmware | undefined;
  /** The state that was read afterwards; absent when the first bytes of the image are about to be sent. */
  readonly images?: ImageState | undefined;
}

/** What an update is doing; "queued" and "paused" do nothing. */
export type UpdatePhase =
  | "queued"
  | "planning"
  | UploadPhase
  | "paused"
  | "settling"
  | "marking"
  | ResetProgress["phase"]
  | "gate"
  | "confirming"
  | "reverting";

/** Where the update of a device stands. */
export interface DeviceProgress {
  readonly device: string;
  readonly phase: UpdatePhase;
  /** Of the whole update, whole and never less than before; 100 comes with the result only. */
  readonly percent: number;
  /** Bytes of the image that is being sent, acknowledged and all. */
  readonly offBytes?: number;
  readonly lenBytes?: number;
  readonly bytesPerSecond?: number;
  /** To the end, with what the swap is expected to take; without gates. Absent while unknown. */
  readonly etaMs?: number;
  readonly retries?: number;
  readonly elapsedMs: number;
  /** The point of no return is behind: the old firmware does not come back by itself. */
  readonly noReturn: boolean;
}

/** What was sent of an image, and what it took. */
export interface ImageEvidence extends Pick<Firmware, "image" | "version" | "hash" | "fileSha256" | "sizeBytes"> {
  /** Absent when the upload was not reached or not needed. */
  readonly outcome?: UploadResult["outcome"];
  readonly servedFrom?: UploadResult["servedFrom"];
  readonly sentBytes: number;
  readonly resumedFromBytes: number;
  readonly startedOver: number;
  readonly retries: number;
  readonly uploadMs: number;
}

/** What the verdict rests on. */
export interface UpdateEvidence {
  /** Empty when the device was never read. */
  readonly before: ImageState;
  /** The state that was read last. */
  readonly after: ImageState;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly elapsedMs: number;
  readonly images: readonly ImageEvidence[];
  /** From the reset's answer to the first answer after the boot. */
  readonly swapMs?: number;
  readonly gate?: { readonly answer: "passed" | "declined" | "expired"; readonly waitedMs: number };
  /** What was done, in order, and how long it took; the last one is where a failed update stopped. */
  readonly steps: readonly { readonly step: StepName; readonly image?: number; readonly tookMs: number }[];
}

/** How the update of a device ended, with the evidence. */
export interface UpdateResult {
  readonly device: string;
  /** Whether the goal of the policy is reached. */
  readonly ok: boolean;
  readonly verdict: UpdateVerdict;
  /** The sentence that says why the verdict is what it is. */
  readonly because: string;
  /** Of what went wrong. */
  readonly error?: SmpErrorReport;
  /** Absent when the device was never read. */
  readonly plan?: UpdatePlan;
  readonly evidence: UpdateEvidence;
}
