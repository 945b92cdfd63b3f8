/** One run as data: the device, the link, the firmware, and what goes wrong. */
import type { BootMode } from "../../src/device/image-options";
import type { Trial } from "../../src/device/options";
import type { ProfileName } from "../../src/device/profiles";
import type { UpdateGoal } from "../../src/update/update-policy";

/** What a medium does to what it carries: shares of all units, in both directions. */
export interface Noise {
  readonly loss: number;
  readonly duplication: number;
  readonly delay: number;
  readonly reordering: number;
  readonly truncation: number;
  readonly bitErrors: number;
  readonly stale: number;
  readonly busy: number;
}

/** They show when the device boots next. */
export const BOOT_INCIDENTS = ["power-cut-in-boot", "bootloader-skipped", "crash-at-start"] as const;
export type BootIncident = (typeof BOOT_INCIDENTS)[number];
export const INCIDENTS = [
  ...BOOT_INCIDENTS,
  "link-loss",
  "silence",
  "reboot",
  "power-cut",
  "foreign-upload",
  "process-killed",
  "abort",
  "pause",
  "held-request",
] as const;
export type IncidentKind = (typeof INCIDENTS)[number];

/** From when requests are counted: from the beginning, the end of the first upload, or the boot after it. */
export type Since = "start" | "upload" | "boot";

/** Something that happens once, with the n-th request of one kind: before the device gets it, or after it has served it. */
export interface Incident {
  readonly kind: IncidentKind;
  readonly command: string;
  readonly nth: number;
  readonly since: Since;
  readonly when: "before" | "after";
  /** For how long, where it lasts. */
  readonly ms: number;
  /** Flash operations, bytes …: what else the kind needs. */
  readonly amount: number;
}

export const LINKS = ["connection", "datagrams", "console", "flow"] as const;
export type LinkKind = (typeof LINKS)[number];
/** Why the device can never run the image, if so. */
export type Obstacle = "none" | "rejected" | "downgrade" | "cannot-swap" | "too-large";
/** How the update finds the device where more than the contents of the other slot is unusual; only bootloaders that swap know them all. */
export const STARTS = [
  "newer",
  "wanted-pending",
  "wanted-permanent",
  "wanted-on-trial",
  "wanted-twice",
  "third-on-trial",
] as const;
/** What is in the other slot when the update begins. */
export type OtherSlot = "empty" | "older" | "wanted" | "torn" | "garbage" | "pending" | (typeof STARTS)[number];

/** Another image waits for its trial, or runs on it. */
export function isThird(otherSlot: OtherSlot): boolean {
  return otherSlot === "pending" || otherSlot === "third-on-trial";
}

export interface Scenario {
  readonly seed: number;
  /** "little": a little noise and one short interruption, which the client has to get over by itself. */
  readonly trouble: "little" | "any";
  readonly link: LinkKind;
  /** Bit errors meet a checksum, or not. */
  readonly checksum: boolean;
  readonly latencyMs: number;
  readonly profile: ProfileName;
  readonly mode: BootMode;
  readonly bufSize: number;
  readonly bufCount: number;
  readonly progressiveErase: boolean;
  readonly imageCheck: boolean;
  readonly allowErasePending: boolean;
  readonly pages: number;
  readonly payloadBytes: number;
  readonly imageCount: 1 | 2;
  readonly image: 0 | 1;
  readonly trial: Trial;
  readonly otherSlot: OtherSlot;
  readonly obstacle: Obstacle;
  readonly pace: {
    readonly requestMs: number;
    readonly linkBytesPerSecond: number;
    readonly erasePageMs: number;
    readonly writeBytesPerSecond: number;
    readonly resetDelayMs: number;
    readonly bootMs: number;
    readonly trialMs: number;
  };
  readonly window: number | undefined;
  readonly noise: Noise;
  readonly incidents: readonly Incident[];
  /** Step after step, as nodes in a flow do it; all at once with `runUpdate`; or as one of a fleet, over one pool. */
  readonly how: "steps" | "whole" | "fleet";
  /** Healthy devices beside it, in a fleet. */
  readonly bystanders: number;
  /** How far the first attempt is to go. The second one always goes to the end. */
  readonly goal: UpdateGoal;
  /** What becomes of the question whether the trial is confirmed; none: nobody asks. */
  readonly gate: "none" | "passes" | "declines" | "silent";
  /** How long the gate thinks, or is waited for. */
  readonly gateMs: number;
  /** A trial that is not let through ends with a reset at once. */
  readonly revertAtOnce: boolean;
  /** Both images of a device at once, with one reset. */
  readonly both: boolean;
  /** It begins in MCUboot's serial recovery, where an upload goes straight over the image that runs. */
  readonly inRecovery: boolean;
  /** What recovery finds in slot 0. */
  readonly primary: "old" | "empty" | "torn";
  /** Times that the device is restarted between the first attempt and the second. */
  readonly restarts: number;
}

export const QUIET: Noise = {
  loss: 0,
  duplication: 0,
  delay: 0,
  reordering: 0,
  truncation: 0,
  bitErrors: 0,
  stale: 0,
  busy: 0,
};

export const MODES: readonly BootMode[] = [
  "swap-move",
  "swap-scratch",
  "swap-offset",
  "overwrite",
  "direct-xip",
  "direct-xip-revert",
];
export const OBSTACLES: readonly Obstacle[] = ["rejected", "downgrade", "cannot-swap", "too-large"];
/** All that may be in the way. */
export const TROUBLES = [
  ...Object.keys(QUIET),
  ...INCIDENTS,
  ...OBSTACLES,
  "occupied-slot",
  "crashing-trial",
  ...STARTS,
  "no-slot0",
];
