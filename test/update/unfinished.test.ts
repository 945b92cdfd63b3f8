import assert from "node:assert/strict";
import type { SlotState, UnfinishedPhase } from "../../src/update/types";
import { phaseByState } from "../../src/update/unfinished";

const OLD = "aa".repeat(32);
const NEW = "bb".repeat(32);
const INSTALLED = "cc".repeat(32);
const wanted = { hash: NEW, image: 0, installedHash: INSTALLED };

function slot(number: number, hash: string, ...flags: ("active" | "confirmed" | "pending" | "permanent")[]): SlotState {
  const none = { bootable: true, pending: false, confirmed: false, active: false, permanent: false };
  return {
    image: 0,
    slot: number,
    version: "1.0.0",
    hash,
    ...none,
    ...Object.fromEntries(flags.map((flag) => [flag, true])),
  };
}

const runsOld = slot(0, OLD, "active", "confirmed");
const STATES: Record<string, SlotState[]> = {
  "lists nothing": [],
  "shows nothing of the image": [runsOld],
  "has the image in its slot": [runsOld, slot(1, NEW)],
  "is to try the image": [runsOld, slot(1, NEW, "pending")],
  "is to keep the image": [runsOld, slot(1, NEW, "pending", "permanent")],
  "runs the image on trial": [slot(0, NEW, "active"), slot(1, OLD, "confirmed")],
  "runs the image on trial, under its other hash": [slot(0, INSTALLED, "active"), slot(1, OLD, "confirmed")],
  "runs the image for good": [slot(0, NEW, "active", "confirmed"), slot(1, OLD)],
  "has it as another image only": [runsOld, { ...slot(1, NEW, "pending"), image: 1 }],
};
type Row = Record<UnfinishedPhase, UnfinishedPhase | undefined>;
const all = (phase: UnfinishedPhase | undefined): Row => {
  return { uploading: phase, uploaded: phase, marked: phase, trial: phase };
};
const gone: Row = { ...all(undefined), uploading: "uploading" };
const ROWS: Record<string, Row> = {
  "lists nothing": { uploading: "uploading", uploaded: "uploaded", marked: "marked", trial: "trial" },
  "shows nothing of the image": gone,
  "has the image in its slot": { ...all(undefined), uploading: "uploaded", uploaded: "uploaded" },
  "is to try the image": all("marked"),
  "is to keep the image": all("marked"),
  "runs the image on trial": all("trial"),
  "runs the image on trial, under its other hash": all("trial"),
  "runs the image for good": all(undefined),
  "has it as another image only": gone,
};

describe("a recorded update", () => {
  for (const [what, row] of Object.entries(ROWS)) {
    for (const [recorded, phase] of Object.entries(row)) {
      it(`at "${recorded}" is ${phase ? `at "${phase}"` : "over"} when the device ${what}`, () => {
        assert.equal(phaseByState(recorded as UnfinishedPhase, wanted, STATES[what]!), phase);
      });
    }
  }
});
