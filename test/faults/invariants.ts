/** What must hold after every update, whatever befell it. */
import { ERRORS } from "../../src/errors";
import type { Outcome } from "./client";
import { type Deed, imagesOf, type Moment } from "./history";
import { type IncidentKind, isThird, type Scenario } from "./scenario";
import { describeTruth, isDone, type Truth } from "./truth";

interface After {
  readonly outcome: Outcome;
  readonly truth: Truth;
  readonly scenario: Scenario;
  /** Now, and a short while before. */
  readonly moments: readonly Moment[];
}

/** The device can never run the image, or not for good. */
function isBlocked({ obstacle, trial }: Scenario): boolean {
  return obstacle !== "none" || trial === "crashing";
}

/** What the client says at the end of an update, held against what is in the slots at that moment. */
export function checkOutcome(after: After): string[] {
  const { outcome, truth, scenario } = after;
  return [
    ...("error" in outcome
      ? checkError(outcome, after)
      : untrue(outcome.verdict, after, `the verdict is ${outcome.verdict}`)),
    ...checkDevice(truth, scenario),
    ...checkTrial(truth, scenario),
  ];
}

/**
 * An image that nobody has seen running is never made permanent, but by `runUpdate` for images that servers let nobody confirm
 * later. A bit that flips unseen may ask for just that.
 */
function checkTrial(truth: Truth, scenario: Scenario): string[] {
  const { mode, imageCount, how, goal } = scenario;
  const isOnPurpose = mode.startsWith("direct-xip") || (imageCount === 2 && how !== "steps") || goal === "confirm";
  // For image 1 a confirm bears the hash: one that comes after the trial marks the image (README, Limits).
  const isKnown =
    scenario.otherSlot === "wanted-permanent" || (scenario.image > 0 && hasLate(scenario, "image.writeState"));
  return truth.isPermanent && !isOnPurpose && !isKnown && !mayBeDamaged(scenario)
    ? [`nobody asked for it, but the device: ${describeTruth(truth)}`]
    : [];
}

/** Nobody wanted that the image stays. */
export function checkWill(truth: Truth, scenario: Scenario): string[] {
  const { goal, gate } = scenario;
  const mayStay = gate === "none" ? goal === "test-and-confirm" || goal === "confirm" : gate === "passes";
  if (mayStay || staysUnasked(scenario) || !imagesOf(truth).some(isDone)) return [];
  return [`with the goal ${goal} and a gate that ${gate}, the device: ${describeTruth(truth)}`];
}

function staysUnasked(scenario: Scenario): boolean {
  const { mode, profile, goal, trial, otherSlot } = scenario;
  if (trial === "self-confirming" || mayBeDamaged(scenario)) return true;
  if (otherSlot === "wanted-permanent" || otherSlot === "wanted-twice") return true;
  // This one asks nobody, that one tells nobody beforehand that it knows no trial.
  return mode === "direct-xip" || (mode === "overwrite" && profile !== "zephyr-4.4" && goal !== "upload");
}

function checkError({ error, step }: Extract<Outcome, { error: unknown }>, after: After): string[] {
  const { code, hint, message, verdict } = error;
  const said = `${step} fails with ${code}${verdict ? ` (${verdict})` : ""}: ${message}`;
  const faults: string[] = [];
  if (!(code in ERRORS)) faults.push(`${said}: the code is not in the table`);
  if (code === "SMP_INTERNAL") faults.push(said);
  if (hint.trim() === "" || message.trim() === "") faults.push(`${said}: no hint, or no message`);
  return verdict === undefined ? faults : [...faults, ...untrue(verdict, after, said)];
}

type Claim = (subject: {
  readonly truth: Truth;
  readonly deed: Deed | undefined;
  readonly lastBoot: Deed | undefined;
  readonly scenario: Scenario;
}) => boolean;

/** What each verdict says about an image: of what lies in the slots now, and what the bootloader has done last. */
const CLAIMS: Readonly<Record<string, Claim>> = {
  confirmed: ({ truth }) => isDone(truth),
  "already-current": ({ truth }) => isDone(truth),
  testing: ({ truth, scenario }) =>
    truth.running === "wanted" && (!truth.isConfirmed || scenario.trial === "self-confirming"),
  uploaded: ({ truth, scenario }) => isThere(truth, scenario),
  // Direct-XIP erases what was not confirmed.
  reverted: ({ truth, deed, scenario }) =>
    truth.running !== "wanted" && (deed === "reverted" || (deed === "gone" && scenario.mode === "direct-xip-revert")),
  // Nobody can tell it from another client (or a late first chunk) that has overwritten it just before, or from an image that was damaged on its way.
  "rejected-by-bootloader": ({ truth, deed, scenario }) =>
    truth.running !== "wanted" &&
    truth.other !== "wanted" &&
    (deed === "gone" ||
      mayBeDamaged(scenario) ||
      hasIncident(scenario, "foreign-upload") ||
      hasLate(scenario, "image.upload")),
  // It is said of the boot that was asked for; one before may have tried and reverted the image.
  "not-swapped": ({ truth, lastBoot }) =>
    truth.running === "wanted" ? !truth.isConfirmed : lastBoot !== "reverted" || truth.isPending,
  "refused-downgrade": ({ truth }) => truth.running !== "wanted",
  "unreachable-after-reset": ({ scenario }) => scenario.incidents.length > 0 || !isQuiet(scenario),
  failed: () => true,
};

/** Success is true now; anything else was true at least when the device showed its state last. */
function untrue(verdict: string | undefined, { truth, scenario, moments }: After, said: string): string[] {
  const claim = CLAIMS[verdict ?? ""];
  if (claim && isSuccess(verdict) && claim({ truth, deed: undefined, lastBoot: undefined, scenario })) return [];
  if (claim && !isSuccess(verdict) && moments.some((moment) => isTrueOfOne(claim, moment, scenario))) return [];
  return [`${said}, but the device: ${describeTruth(truth)}; the bootloader: ${moments[0]!.deeds.join(", ")}`];
}

/** Of two images, of which either may have failed. */
function isTrueOfOne(claim: Claim, { truth, deeds, lastBoot }: Moment, scenario: Scenario): boolean {
  return imagesOf(truth).some((image, index) =>
    claim({ truth: image, deed: deeds[index], lastBoot: lastBoot[index], scenario }),
  );
}

function isSuccess(verdict: string | undefined): boolean {
  return verdict === "confirmed" || verdict === "already-current";
}

function isQuiet({ noise }: Scenario): boolean {
  return Object.values(noise).every((share) => share === 0);
}

/** A bit that flips on its way to the flash where there is no checksum. */
function mayBeDamaged({ checksum, noise }: Scenario): boolean {
  return !checksum && noise.bitErrors > 0;
}

function hasLate({ incidents }: Scenario, request: string): boolean {
  return incidents.some(({ kind, command }) => kind === "held-request" && command === request);
}

function hasIncident({ incidents }: Scenario, kind: IncidentKind): boolean {
  return incidents.some((incident) => incident.kind === kind);
}

/**
 * Servers list an image by its header and its hash TLV. Where pages are erased when data first reaches them, the ends of two
 * uploads of the same file, with another client's between, show a whole image that has a hole.
 */
function mayHaveHole(scenario: Scenario): boolean {
  return scenario.progressiveErase && hasIncident(scenario, "foreign-upload");
}

/** Byte by byte, or as good as can be known where damage is not. */
function isThere({ running, other, isListed }: Truth, scenario: Scenario): boolean {
  const isDoubtful = mayBeDamaged(scenario) || mayHaveHole(scenario);
  return other === "wanted" || running === "wanted" || (isDoubtful && isListed);
}

const STEP_CLAIMS: Readonly<Record<string, (truth: Truth, scenario: Scenario) => boolean>> = {
  upload: isThere,
  test: (truth, scenario) => isThere(truth, scenario) && (truth.isPending || truth.state === "recovery"),
  confirm: isDone,
};

/** There was nothing to give up for. */
export function checkPatience({ outcome, scenario }: After): string[] {
  if (scenario.trouble === "any" || !("error" in outcome) || outcome.error.verdict === "already-current") return [];
  return [`with so little in the way ${outcome.step} fails with ${outcome.error.code}: ${outcome.error.message}`];
}

/** What a step that has succeeded says: true now, or when the device showed its state last. */
export function checkStep(step: string, moments: readonly Moment[], scenario: Scenario): string[] {
  const claim = STEP_CLAIMS[step];
  if (!claim || moments.some(({ truth }) => claim(truth, scenario))) return [];
  return [`${step} has succeeded, but the device: ${describeTruth(moments[0]!.truth)}`];
}

/** The very end, after a second attempt. */
export function checkLast(truth: Truth, scenario: Scenario): string[] {
  const isOld = imagesOf(truth).some(({ running }) => running !== "wanted");
  const isLeft = isBlocked(scenario) && isOld && checkDevice(truth, scenario).length === 0;
  const isWell = truth.state === "application" && (isDone(truth) || isLeft);
  return isWell ? [] : [`in the end the device: ${describeTruth(truth)}`];
}

/**
 * What runs is whole, and one of those that may; nobody but the old and the wanted one is ever confirmed, unless it waited for
 * its trial before and then does so itself.
 */
function checkDevice(truth: Truth, { otherSlot, trial, inRecovery }: Scenario): string[] {
  const wasPending = isThird(otherSlot) && truth.running === "third";
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
  const faults = [...checkDevice(truth, scenario), ...checkWill(truth, scenario)];
  const isUp = truth.state === "application" || (scenario.inRecovery && truth.state === "recovery");
  if (!isUp) faults.push(`the device does not run: ${describeTruth(truth)}`);
  if (ran.has("1.7.0")) faults.push("the other client's image has run");
  const claim = "error" in outcome ? undefined : outcome.verdict;
  if (isSuccess(claim) && !imagesOf(truth).every(stays)) {
    faults.push(`the verdict was ${claim}, but later the device: ${describeTruth(truth)}`);
  }
  return faults;
}

/** Also on a trial from which the device would go back to the same image: in recovery a mark from before is not seen. */
function stays(image: Truth): boolean {
  return image.running === "wanted" && (image.isConfirmed || image.other === "wanted");
}

const CODES_OF_DAMAGE = ["SMP_STATE_UNCHANGED", "SMP_REJECTED_BY_BOOTLOADER", "SMP_UPLOAD_FAILED", "SMP_IMAGE_PENDING"];

/**
 * What was in the way only has to be let through by a reset, as the error's hint says. A bit that flipped on its way to flash
 * with no checksum is found by the bootloader alone, which erases the image.
 */
export function mayBeSecondTry(outcome: Outcome, scenario: Scenario): boolean {
  if (!("error" in outcome)) return false;
  const { code } = outcome.error;
  if (mayBeDamaged(scenario) && CODES_OF_DAMAGE.includes(code)) return true;
  if (mayHaveHole(scenario) && code === "SMP_REJECTED_BY_BOOTLOADER") return true;
  return mayHaveToWait(code, scenario);
}

/** For the next reset; or for image 1, which is marked for a trial that the other core's image cannot have with it. */
function mayHaveToWait(code: string, { otherSlot, imageCount }: Scenario): boolean {
  if (code === "SMP_TRIAL_RUNNING") return isThird(otherSlot);
  if (code !== "SMP_IMAGE_PENDING") return false;
  return isThird(otherSlot) || (otherSlot === "wanted-pending" && imageCount === 2);
}

const CODES: Record<Scenario["obstacle"], readonly string[]> = {
  none: [],
  rejected: ["SMP_REJECTED_BY_BOOTLOADER"],
  downgrade: ["SMP_NOT_NEWER", "SMP_REJECTED_BY_BOOTLOADER"],
  "cannot-swap": ["SMP_NOT_SWAPPED"],
  "too-large": ["SMP_IMAGE_TOO_LARGE", "SMP_NOT_SWAPPED"],
};
/** The update has met with what is for good in its way. */
export function isObstacle({ outcome, scenario: { obstacle } }: After): boolean {
  return "error" in outcome && CODES[obstacle].includes(outcome.error.code);
}

const CODES_OF_CRASHES = ["SMP_REVERTED", "SMP_WRONG_IMAGE", "SMP_LINK_LOST", "SMP_TIMEOUT", "SMP_LINK_OPEN"];

/** An update without faults. */
export function checkSecond({ outcome, truth, scenario }: After): string[] {
  if ("error" in outcome) {
    const { error, step } = outcome;
    const isExpected = expectedCodes(scenario).includes(error.code);
    return isExpected ? [] : [`without faults ${step} fails with ${error.code}: ${error.message}`];
  }
  return isSuccess(outcome.verdict)
    ? []
    : [`without faults the verdict is ${outcome.verdict}: ${describeTruth(truth)}`];
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
