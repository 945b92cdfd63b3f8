/** Scenarios, drawn from their seeds. */
import type { BootMode } from "../../src/device/image-options";
import type { Trial } from "../../src/device/options";
import type { ProfileName } from "../../src/device/profiles";
import { Chance } from "./chance";
import {
  BOOT_INCIDENTS,
  type Incident,
  type IncidentKind,
  INCIDENTS,
  isThird,
  LINKS,
  MODES,
  type Noise,
  OBSTACLES,
  type Obstacle,
  type OtherSlot,
  QUIET,
  type Scenario,
  type Since,
  STARTS,
} from "./scenario";

const PROFILES: readonly ProfileName[] = ["zephyr-4.4", "zephyr-4.4", "zephyr-3.5", "zephyr-3.4", "zephyr-3.2"];
const OTHER_SLOTS: readonly OtherSlot[] = ["empty", "empty", "empty", "older", "wanted", "torn", "garbage", "pending"];
const IN_RECOVERY: readonly OtherSlot[] = ["wanted", "wanted-pending", "wanted-permanent"];
const TRIALS: readonly Trial[] = ["crashing", "self-confirming"];
const PASSING: readonly IncidentKind[] = [
  "link-loss",
  "silence",
  "reboot",
  "power-cut",
  "power-cut-in-boot",
  "process-killed",
  "pause",
];
type Moment = Pick<Incident, "since"> & { readonly command: keyof typeof LAST };
const upload: Moment = { command: "image.upload", since: "start" };
const reset: Moment = { command: "os.reset", since: "start" };
const look = (since: Since): Moment => ({ command: "image.readState", since });
const mark = (since: Since): Moment => ({ command: "image.writeState", since });
const MOMENTS = [
  upload,
  upload,
  upload,
  look("start"),
  look("upload"),
  look("boot"),
  mark("upload"),
  mark("boot"),
  reset,
];
/** Another client does harm until the image is marked. */
const FOREIGN_MOMENTS = [upload, look("upload")];
/** The boot that follows has something to do. */
const BOOT_MOMENTS = [upload, mark("start"), reset, reset];

/** Between a look and what follows from it, and whatever meets another image after a reboot. */
const HELD_MOMENTS = [
  { ...upload, nth: 1 },
  { ...upload, nth: 8 },
  { ...look("start"), nth: 8 },
  { ...look("boot"), nth: 3 },
  { ...mark("start"), nth: 1 },
  { ...mark("start"), nth: 2 },
  { ...mark("start"), nth: 2 },
  { ...mark("boot"), nth: 1 },
  { ...reset, nth: 1 },
  { ...reset, nth: 2 },
];

/** About as often an update asks for it. */
const LAST = { "image.upload": 25, "image.writeState": 3, "image.readState": 4, "os.reset": 2 };

/** The n-th run of a campaign. */
export function seedOf(campaignSeed: number, run: number): number {
  return (Math.imul(campaignSeed, 1_000_003) + run) >>> 0;
}

export function drawScenario(seed: number, fixed: Partial<Scenario> = {}): Scenario {
  const chance = new Chance(seed);
  const scenario: Scenario = {
    seed,
    trouble: chance.of(0.25) && !fixed.inRecovery ? "little" : "any",
    ...drawMedium(chance),
    ...drawDevice(chance, fixed.mode ?? (chance.of(0.5) ? "swap-move" : chance.among(MODES))),
    pace: drawPace(chance),
    window: chance.of(0.3) ? chance.whole(1, 8) : undefined,
    noise: drawNoise(chance),
    incidents: drawIncidents(chance),
    restarts: chance.among([0, 0, 1, 2]),
    both: chance.of(0.4),
    inRecovery: chance.of(0.06),
    primary: "old",
    ...drawWill(chance),
    ...fixed,
  };
  const drawn = {
    ...scenario,
    incidents: [...scenario.incidents, ...drawHeld(chance, scenario)],
    ...(scenario.trouble === "little" && drawLittle(chance, scenario)),
  };
  return { ...drawn, ...contradictionsOf(drawn), ...willOf(drawn), ...(drawn.inRecovery && ofRecovery(chance, drawn)) };
}

function drawLittle(chance: Chance, { otherSlot, link }: Scenario): Partial<Scenario> {
  return {
    checksum: true,
    // A frame has many lines.
    noise: {
      ...QUIET,
      [chance.among(Object.keys(QUIET))]: chance.magnitude(0.002, link === "console" ? 0.004 : 0.015),
    },
    incidents: [
      {
        kind: chance.among(PASSING),
        command: "image.upload",
        nth: chance.whole(1, 8),
        since: "start",
        when: chance.among(["before", "after"] as const),
        ms: chance.magnitude(5, 4_000),
        amount: chance.whole(0, 120),
      },
    ],
    obstacle: "none",
    trial: "healthy",
    otherSlot: mayBeRefused(otherSlot) ? "older" : otherSlot,
    goal: "test-and-confirm",
    gate: "none",
    inRecovery: false,
  };
}

/** What is in slot 0 is not checked; another client's image would run. */
function ofRecovery(chance: Chance, { mode, how, incidents, otherSlot }: Scenario): Partial<Scenario> {
  return {
    mode: mode.startsWith("direct-xip") ? "swap-move" : mode,
    profile: "zephyr-4.4",
    imageCount: 1,
    image: 0,
    both: false,
    trial: "healthy",
    otherSlot: isThird(otherSlot) || isSpecial(otherSlot) ? chance.among(IN_RECOVERY) : otherSlot,
    primary: chance.among(["old", "old", "empty", "torn"] as const),
    obstacle: "none",
    how: how === "fleet" ? "whole" : how,
    goal: "test-and-confirm",
    gate: "none",
    bystanders: 0,
    incidents: incidents.filter(({ kind }) => kind !== "foreign-upload"),
  };
}

/** A reboot may end the trial; another one has to be let through. */
function mayBeRefused(otherSlot: OtherSlot): boolean {
  return isThird(otherSlot) || otherSlot === "wanted-pending" || otherSlot === "wanted-on-trial";
}

/** The wanted image may run already. */
function isSpecial(otherSlot: OtherSlot): boolean {
  return otherSlot.startsWith("wanted") || isThird(otherSlot);
}

/** What cannot be with what. */
function contradictionsOf({ obstacle, otherSlot, imageCount, how, both }: Scenario): Partial<Scenario> {
  return {
    // A file that is too large for the slot cannot be in it.
    ...(obstacle === "too-large" && otherSlot === "wanted" && { otherSlot: "torn" as const }),
    ...(obstacle !== "none" && otherSlot.includes("-") && { otherSlot: "older" as const }),
    // What one device cannot run is no firmware for many.
    ...(obstacle !== "none" && how === "fleet" && { how: "whole" as const }),
    both: both && how !== "steps" && imageCount === 2 && obstacle === "none",
  };
}

/** Nodes in a row have no goal and no gate, which lies between trial and confirm. */
function willOf({ how, goal, gate }: Scenario): Pick<Scenario, "goal" | "gate"> {
  if (how === "steps") return { goal: "test-and-confirm", gate: "none" };
  return { goal, gate: goal === "test-and-confirm" ? gate : "none" };
}

function drawMedium(chance: Chance): Pick<Scenario, "link" | "checksum" | "latencyMs"> {
  return {
    link: chance.among([...LINKS, "datagrams"]),
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
  const drawn = chance.of(0.3) ? chance.among(STARTS) : chance.among(OTHER_SLOTS);
  return (isSpecial(drawn) || drawn === "newer") && !mode.startsWith("swap") ? "older" : drawn;
}

function drawObstacle(chance: Chance, mode: BootMode): Obstacle {
  if (!chance.of(0.1)) return "none";
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
    const kind = chance.among(INCIDENTS.filter((each) => each !== "held-request"));
    const { command, since } = chance.among(momentsOf(kind));
    return {
      kind,
      command,
      since,
      nth: chance.whole(1, since === "start" ? LAST[command] : 3),
      when: chance.among(["before", "after"] as const),
      ms: chance.magnitude(5, chance.of(0.1) ? 400_000 : 40_000),
      amount: chance.whole(0, 120),
    };
  });
}

/** Of a way on which a request outlives the boot of the device it is for. */
function hasMemory({ link }: Scenario): boolean {
  return link === "datagrams" || link === "flow";
}

function drawHeld(chance: Chance, scenario: Scenario): Incident[] {
  if (!hasMemory(scenario) || !chance.of(0.3)) return [];
  const { command, since, nth } = chance.among(HELD_MOMENTS);
  const held: Incident = {
    kind: "held-request",
    command,
    since,
    nth: chance.whole(1, nth),
    when: chance.among(["before", "before", "after"] as const),
    ms: chance.magnitude(5, 40_000),
    amount: chance.whole(0, 120),
  };
  return [held];
}

function momentsOf(kind: IncidentKind): readonly Moment[] {
  if (kind === "foreign-upload") return FOREIGN_MOMENTS;
  return BOOT_INCIDENTS.some((each) => each === kind) ? BOOT_MOMENTS : MOMENTS;
}
