import assert from "node:assert/strict";
import type { ImageState, Verdict, WantedImage } from "../../src/update/types";
import { judge } from "../../src/update/verdict";
import { hashFor, state, wanted } from "./states";

interface Row {
  readonly it: string;
  readonly before: ImageState;
  readonly after: ImageState;
  readonly wanted?: WantedImage;
  readonly verdict: Verdict;
  /** Whether a reset that ends so is a success. */
  readonly asPromised: boolean;
  readonly because: RegExp;
}

const A_RUNS = "0 1.0.0 active confirmed";
const B_PENDING = "1 2.0.0 pending";
const PENDING = state(A_RUNS, B_PENDING);
const TRIAL = state("0 2.0.0 active", "1 1.0.0 confirmed");

const ROWS: Row[] = [
  // protocol.md 5.5, "Distinguishing failures after reset".
  {
    it: "testing when the pending image runs unconfirmed",
    before: PENDING,
    after: TRIAL,
    verdict: "testing",
    asPromised: true,
    because: /2\.0\.0 runs on trial/,
  },
  {
    it: "confirmed when the new image has confirmed itself",
    before: PENDING,
    after: state("0 2.0.0 active confirmed", "1 1.0.0"),
    verdict: "confirmed",
    asPromised: true,
    because: /2\.0\.0 runs and is confirmed/,
  },
  {
    it: "reverted when the old image runs and the new one lies unmarked",
    before: PENDING,
    after: state(A_RUNS, "1 2.0.0"),
    verdict: "reverted",
    asPromised: false,
    because: /1\.0\.0 runs again.*2\.0\.0.*crashed/,
  },
  {
    it: "rejected when the old image runs and the new one is gone",
    before: PENDING,
    after: state(A_RUNS),
    verdict: "rejected-by-bootloader",
    asPromised: false,
    because: /2\.0\.0 is gone.*signature/,
  },
  {
    it: "not swapped when the new image is still pending",
    before: PENDING,
    after: PENDING,
    verdict: "not-swapped",
    asPromised: false,
    because: /still pending/,
  },
  // 5.7, the lifecycle table.
  {
    it: "confirmed after the permanent path",
    before: state(A_RUNS, "1 2.0.0 pending permanent"),
    after: state("0 2.0.0 active confirmed", "1 1.0.0"),
    verdict: "confirmed",
    asPromised: true,
    because: /confirmed/,
  },
  {
    it: "reverted, as promised, when a trial was not confirmed",
    before: TRIAL,
    after: state(A_RUNS, "1 2.0.0"),
    verdict: "reverted",
    asPromised: true,
    because: /not confirmed before the reset: 1\.0\.0 runs again/,
  },
  {
    it: "confirmed when the trial confirmed itself before the reset",
    before: TRIAL,
    after: state("0 2.0.0 active confirmed", "1 1.0.0"),
    verdict: "confirmed",
    asPromised: true,
    because: /2\.0\.0 runs and is confirmed/,
  },
  {
    it: "not swapped when the trial still runs",
    before: TRIAL,
    after: TRIAL,
    verdict: "not-swapped",
    asPromised: false,
    because: /did not reset/,
  },
  // Modes of 5.6.
  {
    it: "confirmed in overwrite-only mode, where slot 1 is gone",
    before: PENDING,
    after: state("0 2.0.0 active confirmed"),
    verdict: "confirmed",
    asPromised: true,
    because: /confirmed/,
  },
  {
    it: "confirmed in direct-XIP mode, where the new image runs in slot 1",
    before: state(A_RUNS, "1 2.0.0 pending permanent"),
    after: state("0 1.0.0", "1 2.0.0 active confirmed"),
    verdict: "confirmed",
    asPromised: true,
    because: /confirmed/,
  },
  {
    it: "testing in direct-XIP mode with revert",
    before: PENDING,
    after: state("0 1.0.0 confirmed", "1 2.0.0 active"),
    verdict: "testing",
    asPromised: true,
    because: /on trial/,
  },
  {
    it: "reverted in direct-XIP mode with revert, where the failed image is erased",
    before: state("0 1.0.0 confirmed", "1 2.0.0 active"),
    after: state(A_RUNS),
    verdict: "reverted",
    asPromised: true,
    because: /1\.0\.0 runs again/,
  },
  // Nothing was promised.
  {
    it: "already current when nothing was to change",
    before: state(A_RUNS),
    after: state(A_RUNS),
    verdict: "already-current",
    asPromised: true,
    because: /as before/,
  },
  {
    it: "not swapped, as promised, when the wanted image was never marked",
    before: state(A_RUNS, "1 2.0.0"),
    after: state(A_RUNS, "1 2.0.0"),
    wanted: wanted("2.0.0"),
    verdict: "not-swapped",
    asPromised: true,
    because: /not marked for this boot/,
  },
  {
    it: "failed when the wanted image is nowhere and another came instead",
    before: state(A_RUNS),
    after: state("0 3.0.0 active confirmed"),
    wanted: wanted("2.0.0"),
    verdict: "failed",
    asPromised: false,
    because: /3\.0\.0 runs.*in no slot/,
  },
  {
    it: "failed when the device lists nothing that runs",
    before: PENDING,
    after: state("0 1.0.0"),
    verdict: "failed",
    asPromised: false,
    because: /recovery/,
  },
  {
    it: "failed, as promised, when it listed nothing before either",
    before: [],
    after: [],
    verdict: "failed",
    asPromised: true,
    because: /lists no images/,
  },
  {
    it: "confirmed when a device leaves its recovery",
    before: state("0 1.0.0"),
    after: state(A_RUNS),
    verdict: "confirmed",
    asPromised: true,
    because: /confirmed/,
  },
  // Several images.
  {
    it: "rejected when one of two pending images did not make it",
    before: state(A_RUNS, B_PENDING, "1/0 5.0.0 active confirmed", "1/1 6.0.0 pending"),
    after: state("0 2.0.0 active", "1 1.0.0 confirmed", "1/0 5.0.0 active confirmed"),
    verdict: "rejected-by-bootloader",
    asPromised: false,
    because: /6\.0\.0 is gone/,
  },
  {
    it: "rejected when the wanted image runs, but another that was pending did not make it",
    before: state(A_RUNS, B_PENDING, "1/0 5.0.0 active confirmed", "1/1 6.0.0 pending"),
    after: state("0 2.0.0 active", "1 1.0.0 confirmed", "1/0 5.0.0 active confirmed"),
    wanted: wanted("2.0.0"),
    verdict: "rejected-by-bootloader",
    asPromised: false,
    because: /6\.0\.0 is gone/,
  },
  {
    it: "testing when only one of two images was pending",
    before: state("0 1.0.0 active confirmed", "1/0 5.0.0 active confirmed", "1/1 6.0.0 pending"),
    after: state("0 1.0.0 active confirmed", "1/0 6.0.0 active", "1/1 5.0.0 confirmed"),
    verdict: "testing",
    asPromised: true,
    because: /6\.0\.0/,
  },
  {
    it: "about image 1 on servers that mark only image 0 as active",
    before: state(A_RUNS, "1/0 5.0.0 confirmed", "1/1 6.0.0 pending permanent"),
    after: state(A_RUNS, "1/0 6.0.0 confirmed", "1/1 5.0.0"),
    wanted: wanted("6.0.0", 1),
    verdict: "confirmed",
    asPromised: true,
    because: /6\.0\.0/,
  },
];

describe("verdict after a reset", () => {
  for (const { it: name, before, after, wanted: image, ...expected } of ROWS) {
    it(`is ${name}`, () => {
      const { verdict, asPromised, because } = judge({ before, after, wanted: image });
      assert.deepEqual(
        { verdict, asPromised },
        { verdict: expected.verdict, asPromised: expected.asPromised },
        because,
      );
      assert.match(because, expected.because);
    });
  }

  it("is the same when the wanted image is named", () => {
    for (const row of ROWS.filter(({ before }) => before === PENDING || before === TRIAL)) {
      const judgement = judge({ before: row.before, after: row.after, wanted: wanted("2.0.0") });
      assert.equal(judgement.verdict, row.verdict, row.it);
      assert.equal(judgement.asPromised, row.asPromised, row.it);
    }
  });

  it("knows a compressed image by the hash that it has once it is installed", () => {
    const compressed = { hash: hashFor("2.0.0"), installedHash: hashFor("2.0.1"), image: 0 };
    const { verdict } = judge({ before: PENDING, after: state("0 2.0.1 active confirmed"), wanted: compressed });
    assert.equal(verdict, "confirmed");
  });
});
