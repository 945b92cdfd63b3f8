/** Whether a firmware may go to a device: everything that can be known before the first byte, as data. */
import { SmpError, type SmpErrorCode } from "../errors";
import type { FirmwareInfo } from "../image/inspect";
import type { SignatureCheck } from "../image/signature";
import { checkBootMode } from "./check-boot-mode";
import { checkContent, checkFileSha256, checkSignature, checkUsable } from "./check-file";
import { checkSize } from "./check-size";
import { checkCounter, checkDependencies, checkVersion } from "./check-version";
import type { DeviceFacts } from "./device-facts";
import type { InstalledVersion } from "./types";

/** What is checked before the first byte. */
export type CheckName =
  | "usable"
  | "content"
  | "file-sha256"
  | "signature"
  | "version"
  | "security-counter"
  | "dependencies"
  | "slot-size"
  | "boot-mode";

/** One thing that was looked at. */
export interface Finding {
  readonly check: CheckName;
  /** "unknown": it cannot be told, and nothing speaks against it. "warn": it works, but not as most people expect. */
  readonly level: "ok" | "unknown" | "warn" | "refuse";
  /** A sentence with the numbers. */
  readonly because: string;
  /** Of "refuse" alone: how the error looks that says so. */
  readonly error?: {
    readonly code: SmpErrorCode;
    readonly hint?: string;
    readonly field?: string;
    readonly limit?: number;
    readonly verdict?: string;
  };
}

/** What the user demands of a firmware. */
export interface CheckPolicy {
  /** SHA-256 of the file, or of the package that it came in, in hex. */
  readonly fileSha256?: string | undefined;
  /** Only firmware that is newer than what runs. */
  readonly upgradeOnly?: boolean | undefined;
  /** Security counter of the device, where it is known from elsewhere: SMP does not tell it. */
  readonly securityCounter?: number | undefined;
  /** Other images that the same update brings, which dependencies may count on. */
  readonly companions?: readonly InstalledVersion[] | undefined;
}

/** A firmware, and the device that it is for. */
export interface CheckSubject {
  readonly info: FirmwareInfo;
  /** Number of the image that it is for. */
  readonly image: number;
  /** What `verifySignature` says; absent when no keys were given, and then nothing is demanded. */
  readonly signature?: SignatureCheck | undefined;
  readonly device: DeviceFacts;
  /** MCUboot's serial recovery answers, which writes over the image that runs. */
  readonly inRecovery?: boolean | undefined;
  readonly policy: CheckPolicy;
}

/** All findings, one or more for each check that applies; pure. What is refused comes first. */
export function checkFirmware(subject: CheckSubject): readonly Finding[] {
  const findings = CHECKS.flatMap((check) => check(subject));
  return [...findings.filter(isRefusal), ...findings.filter((finding) => !isRefusal(finding))];
}

/** In the order in which a user wants to hear of them. */
const CHECKS: readonly ((subject: CheckSubject) => readonly Finding[])[] = [
  checkUsable,
  checkFileSha256,
  checkContent,
  checkSignature,
  checkSize,
  checkBootMode,
  checkVersion,
  checkCounter,
  checkDependencies,
];

function isRefusal({ level }: Finding): boolean {
  return level === "refuse";
}

/** The error of the first finding that refuses. */
export function refusalIn(findings: readonly Finding[]): SmpError | undefined {
  const refused = findings.find(isRefusal);
  if (!refused?.error) return undefined;
  const { code, ...details } = refused.error;
  return new SmpError(code, refused.because, details);
}
