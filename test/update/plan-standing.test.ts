import assert from "node:assert/strict";
import { standingOf, type Standing } from "../../src/update/plan-standing";
import type { Firmware } from "../../src/update/types";
import { state, wanted } from "./states";

const IMAGE_0 = ["0 1.0.0 active confirmed"];

/** The wanted image is 2.0.0 of image 1. */
const ROWS: readonly (readonly [what: string, slots: readonly string[], standing: Standing])[] = [
  ["is marked as running on trial", ["1/0 2.0.0 active", "1/1 1.5.0 confirmed"], "on-trial"],
  ["is marked as running, with nothing to fall back to", ["1/0 2.0.0 active"], "on-trial"],
  ["is marked as running and confirmed", ["1/0 2.0.0 active confirmed", "1/1 1.5.0"], "current"],
  ["is not marked, and the other slot is confirmed", ["1/0 2.0.0", "1/1 1.5.0 confirmed"], "on-trial"],
  ["is not marked, and the other slot is not confirmed", ["1/0 2.0.0", "1/1 1.5.0"], "current"],
  ["is not marked, and alone", ["1/0 2.0.0"], "current"],
  ["is confirmed where nothing is marked as running", ["1/0 2.0.0 confirmed", "1/1 1.5.0"], "current"],
  ["waits for its trial", ["1/0 1.5.0 confirmed", "1/1 2.0.0 pending"], "pending"],
  ["waits for the next boot, to stay", ["1/0 1.5.0 confirmed", "1/1 2.0.0 pending permanent"], "permanent"],
  ["lies in the other slot", ["1/0 1.5.0 confirmed", "1/1 2.0.0"], "in-slot"],
  ["lies in the other slot during the trial of another", ["1/0 1.5.0", "1/1 2.0.0 confirmed"], "in-slot"],
  ["is nowhere", ["1/0 1.5.0 confirmed"], "absent"],
];

describe("standing of an image beside image 0", () => {
  for (const [what, slots, standing] of ROWS) {
    it(`is "${standing}" when it ${what}`, () => {
      const part = { info: {}, firmware: wanted("2.0.0", 1) as Firmware };
      const found = standingOf(state(...IMAGE_0, ...slots), part, false);
      assert.equal(found, standing);
    });
  }
});
