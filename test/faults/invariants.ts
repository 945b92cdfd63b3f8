/** What must hold after every update, whatever befell it. */
import { ERRORS } from "../../src/errors";
import type { Outcome } from "./client";
import type { Scenario } from "./scenario";
import { describeTruth, type Truth } from "./truth";

interface After {
  readonly outcome: Outcome;
  readonly truth: Truth;
  readonly scenario: Scenario;
}

/** The device can never run the image, or not for good. */
function isBlocked({ obstacle, trial }: Scenario): boolean {
  return obstacle !== "none" || trial === "crashing";
}

/** What the client says at the end of an update, held against what is in the slots at that moment. */
export function checkOutcome({ outcome, truth, scenario }: After): string[] {
  return [
    ...("error" in outcome ? checkError(outcome, truth) : checkVerdict(outcome.verdict, truth)),
    ...checkDevice(truth, scenario),
    ...checkTrial(truth, scenario),
  ];
}

/**
 * An image that nobody has seen running is never made permanent, but by `runUpdate` for images that servers let nobody confirm
 * later. A bit that flips unseen may ask for just that.
 */
function checkTrial(truth: Truth, { mode, imageCount, how, checksum, noise }: Scenario): string[] {
  const isOnPurpose = mode.startsWith("direct-xip") || (imageCount === 2 && how === "whole");
  const isByChance = !checksum && noise.bitErrors > 0;
  return truth.isPermanent && !isOnPurpose && !isByChance
    ? [`nobody asked for it, but the device: ${describeTruth(truth)}`]
    : [];
}

function checkVerdict(verdict: string | undefined, truth: Truth): string[] {
  return untrue(verdict, truth, `the verdict is ${verdict}`);
}

function checkError({ error, step }: Extract<Outcome, { error: unknown }>, truth: Truth): string[] {
  const { code, hint, message, verdict } = error;
  const said = `${step} fails with ${code}${verdict ? ` (${verdict})` : ""}: ${message}`;
  const faults: string[] = [];
  if (!(code in ERRORS)) faults.push(`${said}: the code is not in the table`);
  if (code === "SMP_INTERNAL") faults.push(said);
  if (hint.trim() === "" || message.trim() === "") faults.push(`${said}: no hint, or no message`);
  return verdict === undefined ? faults : [...faults, ...untrue(verdict, truth, said)];
}

/** A verdict is a claim about the device. */
function untrue(verdict: string | undefined, truth: Truth, said: string): string[] {
  const isConfirmed = isDone(truth);
  // Of two images one may have failed.
  const mayBe = truth.neighbour !== undefined;
  const isTrue: Record<string, boolean> = {
    confirmed: isConfirmed,
    "already-current": isConfirmed,
    testing: truth.running === "wanted",
    reverted: mayBe || truth.running !== "wanted",
    "rejected-by-bootloader": mayBe || (truth.running !== "wanted" && truth.other !== "wanted"),
    "not-swapped": true,
    "refused-downgrade": truth.running !== "wanted",
    "unreachable-after-reset": true,
    failed: true,
  };
  return isTrue[verdict ?? ""] === true ? [] : [`${said}, but the device: ${describeTruth(truth)}`];
}

function isDone({ running, isConfirmed, neighbour }: Truth): boolean {
  return running === "wanted" && isConfirmed && (neighbour === undefined || isDone(neighbour));
}

/** The very end, after a second attempt. */
export function checkLast(truth: Truth, scenario: Scenario): string[] {
  const isThere = isDone(truth);
  const isLeft = isBlocked(scenario) && truth.running !== "wanted" && checkDevice(truth, scenario).length === 0;
  const isWell = truth.state === "application" && (isThere || isLeft);
  return isWell ? [] : [`in the end the device: ${describeTruth(truth)}`];
}

/**
 * What runs is whole, and one of those that may; nobody but the old and the wanted one is ever confirmed, unless it waited for
 * its trial before and then does so itself.
 */
function checkDevice(truth: Truth, { otherSlot, trial, inRecovery }: Scenario): string[] {
  const wasPending = otherSlot === "pending" && truth.running === "third";
  const isWell =
    isOurs(truth) ||
    canBeSaved(truth, inRecovery) ||
    (wasPending && (!truth.isConfirmed || trial === "self-confirming"));
  return isWell && (!truth.neighbour || isOurs(truth.neighbour)) ? [] : [`the device: ${describeTruth(truth)}`];
}

/** An upload in recovery leaves nothing to run until it is whole, but MCUboot waits for the next one. */
function canBeSaved({ running, state }: Truth, inRecovery: boolean): boolean {
  return inRecovery && running === "none" && state !== "application";
}

function isOurs({ running }: Truth): boolean {
  return running === "old" || running === "wanted";
}

/** Once everything has come to rest. */
export function checkEnd({ outcome, truth, scenario, ran }: After & { readonly ran: ReadonlySet<string> }): string[] {
  const faults = checkDevice(truth, scenario);
  const isUp = truth.state === "application" || (scenario.inRecovery && truth.state === "recovery");
  if (!isUp) faults.push(`the device does not run: ${describeTruth(truth)}`);
  if (ran.has("1.7.0")) faults.push("the other client's image has run");
  const claim = "error" in outcome ? undefined : outcome.verdict;
  const isSuccess = claim === "confirmed" || claim === "already-current";
  if (isSuccess && !isDone(truth)) {
    faults.push(`the verdict was ${claim}, but later the device: ${describeTruth(truth)}`);
  }
  return faults;
}

const CODES_OF_DAMAGE = ["SMP_STATE_UNCHANGED", "SMP_REJECTED_BY_BOOTLOADER", "SMP_UPLOAD_FAILED", "SMP_IMAGE_PENDING"];

/**
 * What was in the way only has to be let through by a reset, as the error's hint says. A bit that flipped on its way to flash
 * with no checksum is found by the bootloader alone, which erases the image.
 */
export function mayBeSecondTry(outcome: Outcome, { otherSlot, checksum, noise }: Scenario): boolean {
  if (!("error" in outcome)) return false;
  const { code } = outcome.error;
  if (!checksum && noise.bitErrors > 0 && CODES_OF_DAMAGE.includes(code)) return true;
  return otherSlot === "pending" && (code === "SMP_IMAGE_PENDING" || code === "SMP_TRIAL_RUNNING");
}

const CODES: Record<Scenario["obstacle"], readonly string[]> = {
  none: [],
  rejected: ["SMP_REJECTED_BY_BOOTLOADER"],
  downgrade: ["SMP_NOT_NEWER", "SMP_REJECTED_BY_BOOTLOADER"],
  "cannot-swap": ["SMP_NOT_SWAPPED"],
  "too-large": ["SMP_IMAGE_TOO_LARGE", "SMP_NOT_SWAPPED"],
};
const CODES_OF_CRASHES = ["SMP_REVERTED", "SMP_WRONG_IMAGE", "SMP_LINK_LOST", "SMP_TIMEOUT", "SMP_LINK_OPEN"];

/** An update without faults. */
export function checkSecond({ outcome, truth, scenario }: After): string[] {
  if ("error" in outcome) {
    const { error, step } = outcome;
    const isExpected = expectedCodes(scenario).includes(error.code);
    return isExpected ? [] : [`without faults ${step} fails with ${error.code}: ${error.message}`];
  }
  const isSuccess = outcome.verdict === "confirmed" || outcome.verdict === "already-current";
  return isSuccess ? [] : [`without faults the verdict is ${outcome.verdict}: ${describeTruth(truth)}`];
}

function expectedCodes({ obstacle, otherSlot, profile, mode, trial }: Scenario): string[] {
  const codes = [...CODES[obstacle]];
  // What waits is never let through; SMP v1 has no word for what is too large; direct-XIP erases what crashed.
  if (obstacle === "cannot-swap" && otherSlot === "pending") codes.push("SMP_IMAGE_PENDING");
  if (obstacle === "too-large" && profile === "zephyr-3.2") codes.push("SMP_DEVICE");
  if (trial !== "crashing") return codes;
  if (mode === "direct-xip-revert") codes.push("SMP_REJECTED_BY_BOOTLOADER");
  return [...codes, ...CODES_OF_CRASHES];
}
