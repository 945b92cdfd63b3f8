/** One run as data, drawn from its seed: the device, the link, the firmware, and what goes wrong. */
import type { BootMode } from "../../src/device/image-options";
import type { Trial } from "../../src/device/options";
import type { ProfileName } from "../../src/device/profiles";
import type { UpdateGoal } from "../../src/update/update-policy";
import { Chance } from "./chance";

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

export const INCIDENTS = [
  "link-loss",
  "silence",
  "reboot",
  "power-cut",
  "power-cut-in-boot",
  "bootloader-skipped",
  "crash-at-start",
  "foreign-upload",
  "process-killed",
  "abort",
] as const;
export type IncidentKind = (typeof INCIDENTS)[number];

/** Something that happens once, with the n-th request of one kind: before the device gets it, or after it has served it. */
export interface Incident {
  readonly kind: IncidentKind;
  readonly command: string;
  readonly nth: number;
  readonly when: "before" | "after";
  /** For how long, where it lasts. */
  readonly ms: number;
  /** Flash operations, bytes …: what else the kind needs. */
  readonly amount: number;
}

export type LinkKind = "connection" | "datagrams" | "console" | "flow";
/** Why the device can never run the image, if so. */
export type Obstacle = "none" | "rejected" | "downgrade" | "cannot-swap" | "too-large";
/** What is in the other slot when the update begins. */
export type OtherSlot = "empty" | "older" | "wanted" | "torn" | "garbage" | "pending";

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

const MODES: readonly BootMode[] = [
  "swap-move",
  "swap-scratch",
  "swap-offset",
  "overwrite",
  "direct-xip",
  "direct-xip-revert",
];
const PROFILES: readonly ProfileName[] = ["zephyr-4.4", "zephyr-4.4", "zephyr-3.5", "zephyr-3.4", "zephyr-3.2"];
const OTHER_SLOTS: readonly OtherSlot[] = ["empty", "empty", "empty", "older", "wanted", "torn", "garbage", "pending"];
const OBSTACLES: readonly Obstacle[] = ["rejected", "downgrade", "cannot-swap", "too-large"];
const TRIALS: readonly Trial[] = ["crashing", "self-confirming"];
const PASSING: readonly IncidentKind[] = [
  "link-loss",
  "silence",
  "reboot",
  "power-cut",
  "power-cut-in-boot",
  "process-killed",
];
const MOMENTS = [
  "image.upload",
  "image.upload",
  "image.upload",
  "image.writeState",
  "image.readState",
  "os.reset",
] as const;

/** About as often an update asks for it. */
const LAST: Record<(typeof MOMENTS)[number], number> = {
  "image.upload": 25,
  "image.writeState": 3,
  "image.readState": 12,
  "os.reset": 2,
};

/** The n-th run of a campaign. */
export function seedOf(campaignSeed: number, run: number): number {
  return (Math.imul(campaignSeed, 1_000_003) + run) >>> 0;
}

export function drawScenario(seed: number, fixed: Partial<Scenario> = {}): Scenario {
  const chance = new Chance(seed);
  const scenario: Scenario = {
    seed,
    trouble: chance.of(0.25) ? "little" : "any",
    ...drawMedium(chance),
    ...drawDevice(chance, fixed.mode ?? (chance.of(0.5) ? "swap-move" : chance.among(MODES))),
    pace: drawPace(chance),
    window: chance.of(0.3) ? chance.whole(1, 8) : undefined,
    noise: drawNoise(chance),
    incidents: drawIncidents(chance),
    restarts: chance.among([0, 0, 1, 2]),
    both: chance.of(0.4),
    inRecovery: chance.of(0.04),
    ...drawWill(chance),
    ...fixed,
  };
  const drawn = { ...scenario, ...(scenario.trouble === "little" && drawLittle(chance, scenario)) };
  return { ...drawn, ...contradictionsOf(drawn), ...(drawn.inRecovery && ofRecovery(drawn)) };
}

function drawLittle(chance: Chance, { otherSlot }: Scenario): Partial<Scenario> {
  return {
    checksum: true,
    noise: { ...QUIET, [chance.among(Object.keys(QUIET))]: chance.magnitude(0.005, 0.03) },
    incidents: [
      {
        kind: chance.among(PASSING),
        command: "image.upload",
        nth: chance.whole(1, 8),
        when: chance.among(["before", "after"] as const),
        ms: chance.magnitude(5, 4_000),
        amount: chance.whole(0, 120),
      },
    ],
    obstacle: "none",
    trial: "healthy",
    otherSlot: otherSlot === "pending" ? "older" : otherSlot,
    goal: "test-and-confirm",
    gate: "none",
    inRecovery: false,
  };
}

/** There is one slot, and nothing in it is checked; another client's image would run. */
function ofRecovery({ mode, how, incidents }: Scenario): Partial<Scenario> {
  return {
    mode: mode.startsWith("direct-xip") ? "swap-move" : mode,
    profile: "zephyr-4.4",
    imageCount: 1,
    image: 0,
    both: false,
    trial: "healthy",
    otherSlot: "empty",
    obstacle: "none",
    how: how === "fleet" ? "whole" : how,
    goal: "test-and-confirm",
    gate: "none",
    bystanders: 0,
    incidents: incidents.filter(({ kind }) => kind !== "foreign-upload"),
  };
}

/** What cannot be with what. */
function contradictionsOf({ obstacle, otherSlot, imageCount, how, both, goal, gate }: Scenario): Partial<Scenario> {
  return {
    // Nodes in a row have neither; and a gate lies between trial and confirm.
    goal: how === "steps" ? "test-and-confirm" : goal,
    gate: how === "steps" || goal !== "test-and-confirm" ? "none" : gate,
    // What one device cannot run is no firmware for many.
    how: how === "fleet" && obstacle !== "none" ? "whole" : how,
    // A file that is too large for the slot cannot be in it.
    otherSlot: obstacle === "too-large" && otherSlot === "wanted" ? "torn" : otherSlot,
    both: both && how !== "steps" && imageCount === 2 && obstacle === "none",
  };
}

function drawMedium(chance: Chance): Pick<Scenario, "link" | "checksum" | "latencyMs"> {
  return {
    link: chance.among(["connection", "datagrams", "datagrams", "console", "flow"]),
    checksum: chance.of(0.6),
    latencyMs: chance.among([0, 1, 5, 20, 60]),
  };
}

function drawDevice(chance: Chance, mode: BootMode) {
  const isSwap = mode.startsWith("swap");
  const imageCount = isSwap && chance.of(0.15) ? 2 : 1;
  const pages = chance.whole(8, 16);
  return {
    profile: chance.among(PROFILES),
    mode,
    bufSize: chance.among(imageCount === 2 ? [768, 1024, 2475] : [320, 384, 512, 1024, 2475]),
    bufCount: chance.whole(2, 9),
    progressiveErase: chance.of(0.4),
    imageCheck: chance.of(0.5),
    allowErasePending: chance.of(0.5),
    pages,
    payloadBytes: chance.whole(200, (pages - 4) * 1024),
    imageCount,
    image: imageCount === 2 && chance.of(0.6) ? 1 : 0,
    trial: isSwap || mode === "direct-xip-revert" ? drawTrial(chance) : "healthy",
    otherSlot: drawOtherSlot(chance, mode),
    obstacle: drawObstacle(chance, mode),
  } as const;
}

function drawTrial(chance: Chance): Trial {
  return chance.of(0.2) ? chance.among(TRIALS) : "healthy";
}

/** Without swaps there is nothing pending in the other slot that would not run at once. */
function drawOtherSlot(chance: Chance, mode: BootMode): OtherSlot {
  const drawn = chance.among(OTHER_SLOTS);
  const isSpecial = drawn === "pending" || drawn === "wanted";
  return isSpecial && !mode.startsWith("swap") ? "older" : drawn;
}

function drawObstacle(chance: Chance, mode: BootMode): Obstacle {
  if (!chance.of(0.08)) return "none";
  const drawn = chance.among(OBSTACLES);
  return mode.startsWith("direct-xip") && drawn !== "too-large" ? "rejected" : drawn;
}

function drawPace(chance: Chance): Scenario["pace"] {
  return {
    requestMs: chance.among([0, 1, 5, 30]),
    linkBytesPerSecond: chance.among([0, 0, 4_000, 30_000]),
    erasePageMs: chance.among([0, 2, 85, 400]),
    writeBytesPerSecond: chance.among([0, 20_000, 97_000]),
    resetDelayMs: chance.among([0, 250, 250, 1_000]),
    bootMs: chance.among([0, 50, 400, 1_000, 6_000]),
    trialMs: chance.among([0, 50, 500, 1_500, 5_000, 15_000]),
  };
}

function drawWill(chance: Chance): Pick<Scenario, "how" | "bystanders" | "goal" | "gate" | "gateMs" | "revertAtOnce"> {
  return {
    how: chance.among(["steps", "steps", "whole", "whole", "fleet"] as const),
    bystanders: chance.whole(1, 3),
    goal: chance.of(0.7) ? "test-and-confirm" : chance.among(["test", "confirm", "upload"] as const),
    gate: chance.of(0.7) ? "none" : chance.among(["passes", "declines", "silent"] as const),
    gateMs: chance.magnitude(10, 60_000),
    revertAtOnce: chance.of(0.5),
  };
}

function drawNoise(chance: Chance): Noise {
  const kinds = chance.some(Object.keys(QUIET), chance.among([0, 1, 1, 2, 2, 3, 4]));
  return { ...QUIET, ...Object.fromEntries(kinds.map((kind) => [kind, chance.magnitude(0.005, 0.35)])) };
}

function drawIncidents(chance: Chance): Incident[] {
  return Array.from({ length: chance.among([0, 1, 1, 1, 2, 2, 3]) }, () => {
    const command = chance.among(MOMENTS);
    return {
      kind: chance.among(INCIDENTS),
      command,
      nth: chance.whole(1, LAST[command]),
      when: chance.among(["before", "after"] as const),
      ms: chance.magnitude(5, chance.of(0.1) ? 400_000 : 40_000),
      amount: chance.whole(0, 120),
    };
  });
}
