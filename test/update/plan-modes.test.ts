import assert from "node:assert/strict";
import { BOOT_MODE } from "../../src/smp/groups/os";
import { assertPlan, planOf, type Row } from "./plan-rows";

const FRESH = ["0 1.0.0 active confirmed"];
const PERMANENT = [...FRESH, "1 2.0.0 pending permanent"];

const mode = (bootMode: number | undefined) => ({ facts: { bootMode } });

const MODES: Row[] = [
  {
    it: "of an unknown mode",
    device: FRESH,
    ...mode(undefined),
    steps: "upload 0/1, test 0/1, reset, verify, confirm 0!",
  },
  {
    it: "that overwrites",
    device: FRESH,
    ...mode(BOOT_MODE.OVERWRITE_ONLY),
    steps: "upload 0/1, test 0/1, reset!, verify",
    says: /overwrites the old image: there is no trial/,
  },
  {
    it: "that overwrites, with a gate",
    device: FRESH,
    ...mode(BOOT_MODE.OVERWRITE_ONLY),
    policy: { gate: true },
    code: "SMP_NO_TRIAL",
  },
  {
    it: "that overwrites, test only",
    device: FRESH,
    ...mode(BOOT_MODE.OVERWRITE_ONLY),
    policy: { goal: "test" },
    code: "SMP_NO_TRIAL",
  },
  {
    it: "in direct-XIP mode",
    device: FRESH,
    ...mode(BOOT_MODE.DIRECT_XIP),
    steps: "upload 0/1, reset!, verify",
    says: /nothing is marked/,
  },
  {
    it: "in direct-XIP mode, older",
    device: ["0 3.0.0 active confirmed"],
    ...mode(BOOT_MODE.DIRECT_XIP),
    code: "SMP_NOT_NEWER",
    verdict: "refused-downgrade",
    says: /runs only the newest image/,
  },
  {
    it: "that runs an image from slot 1, older",
    device: ["0 1.0.0", "1 3.0.0 active confirmed"],
    ...mode(undefined),
    code: "SMP_NOT_NEWER",
    verdict: "refused-downgrade",
    says: /runs only the newest image/,
  },
  {
    it: "in direct-XIP mode, uploaded before",
    device: PERMANENT,
    ...mode(BOOT_MODE.DIRECT_XIP),
    steps: "reset!, verify",
  },
  {
    it: "in direct-XIP mode with revert",
    device: FRESH,
    ...mode(BOOT_MODE.DIRECT_XIP_REVERT),
    policy: { gate: true },
    steps: "upload 0/1, test 0/1, reset, verify, gate, confirm 0!",
  },
  {
    it: "with one slot",
    device: FRESH,
    ...mode(BOOT_MODE.SINGLE_SLOT),
    code: "SMP_NO_TRIAL",
    says: /overwrites the firmware at once/,
  },
  {
    it: "with one slot, allowed",
    device: FRESH,
    ...mode(BOOT_MODE.FIRMWARE_LOADER),
    policy: { allowRecovery: true },
    steps: "upload 0/0!, reset!, verify",
  },
  { it: "in recovery", device: ["0 1.0.0"], facts: { inRecovery: true }, code: "SMP_IN_RECOVERY" },
  {
    it: "in recovery, allowed",
    device: ["0 1.0.0"],
    facts: { inRecovery: true },
    policy: { allowRecovery: true },
    steps: "upload 0/0!, reset!, verify",
  },
  {
    it: "in recovery with the image in place",
    device: ["0 2.0.0"],
    facts: { inRecovery: true },
    policy: { allowRecovery: true },
    steps: "reset!, verify",
  },
  {
    it: "in recovery with the image where it boots only if it is marked",
    device: ["0 1.0.0", "1 2.0.0"],
    facts: { inRecovery: true },
    policy: { allowRecovery: true },
    steps: "upload 0/0!, reset!, verify",
  },
  {
    it: "in recovery with the image marked",
    device: ["0 1.0.0", "1 2.0.0 pending"],
    facts: { inRecovery: true },
    policy: { allowRecovery: true },
    steps: "reset!, verify",
  },
];

const TWO = ["0/0 1.0.0 active confirmed", "1/0 5.0.0 confirmed"];
const SEVERAL: Row[] = [
  {
    it: "both absent: both made permanent, one reset",
    device: TWO,
    wanted: ["2.0.0", "6.0.0"],
    steps: "upload 0/1, upload 1/1, permanent 1/1, permanent 0/1, reset!, verify",
    says: /image 1 belongs to another core/,
  },
  {
    it: "a net core that the list does not show",
    device: ["0/0 1.0.0 active confirmed"],
    wanted: ["2.0.0", "6.0.0"],
    steps: "upload 0/1, upload 1/0, permanent 1/0, permanent 0/1, reset!, verify",
  },
  {
    it: "one current: the other alone",
    device: ["0/0 1.0.0 active confirmed", "1/0 6.0.0 active confirmed"],
    wanted: ["2.0.0", "6.0.0"],
    steps: "upload 0/1, test 0/1, reset, verify, confirm 0!",
  },
  {
    it: "both current",
    device: ["0/0 2.0.0 active confirmed", "1/0 6.0.0 active confirmed"],
    wanted: ["2.0.0", "6.0.0"],
    verdict: "already-current",
  },
  {
    it: "the first on trial: kept before the second is installed",
    device: ["0/0 2.0.0 active", "0/1 1.0.0 confirmed", "1/0 5.0.0 active confirmed"],
    wanted: ["2.0.0", "6.0.0"],
    steps: "upload 1/1, permanent 1/1, confirm 0!, reset!, verify",
  },
  {
    it: "the first marked for a trial from before",
    device: [...TWO, "0/1 2.0.0 pending"],
    wanted: ["2.0.0", "6.0.0"],
    code: "SMP_IMAGE_PENDING",
    says: /cannot be made permanent together/,
  },
  { it: "with a gate", device: TWO, wanted: ["2.0.0", "6.0.0"], policy: { gate: true }, code: "SMP_NO_TRIAL" },
  {
    it: "upload only",
    device: TWO,
    wanted: ["2.0.0", "6.0.0"],
    policy: { goal: "upload" },
    steps: "upload 0/1, upload 1/1",
  },
];

const NET_ONLY = ["", "6.0.0"];
const ON_TRIAL = ["0/0 2.0.0 active", "0/1 1.0.0 confirmed", "1/0 5.0.0 active confirmed"];
const PENDING = ["0/0 1.0.0 active confirmed", "0/1 2.0.0 pending", "1/0 5.0.0 active confirmed"];

/** The reset is one for all images, also for those that are not in question. */
const BESIDES: Row[] = [
  {
    it: "that runs on trial: refused, as the reset would end it",
    device: ON_TRIAL,
    wanted: NET_ONLY,
    code: "SMP_TRIAL_RUNNING",
    says: /2\.0\.0 runs on trial.*image 0/,
  },
  {
    it: "that runs on trial: confirmed first, if that is the policy",
    device: ON_TRIAL,
    wanted: NET_ONLY,
    policy: { onTrial: "confirm" },
    steps: "confirm 0, upload 1/1, permanent 1/1, reset!, verify",
  },
  {
    it: "that waits for the next boot: refused, as the reset would install it",
    device: PENDING,
    wanted: NET_ONLY,
    code: "SMP_IMAGE_PENDING",
    says: /slot 1: 2\.0\.0/,
  },
  {
    it: "that waits for the next boot: nothing to it when nothing is reset",
    device: PENDING,
    wanted: NET_ONLY,
    policy: { goal: "upload" },
    steps: "upload 1/1",
  },
  {
    it: "that waits for the next boot: nothing to it when all is done",
    device: ["0/0 1.0.0 active confirmed", "0/1 2.0.0 pending", "1/0 6.0.0 active confirmed"],
    wanted: NET_ONLY,
    verdict: "already-current",
  },
];

describe("planUpdate", () => {
  for (const row of BESIDES) it(`minds an image beside the update ${row.it}`, () => assertPlan(row));
  for (const row of MODES) it(`suits a bootloader ${row.it}`, () => assertPlan(row));
  for (const row of SEVERAL) it(`brings several images: ${row.it}`, () => assertPlan(row));

  it("lets dependencies count on the update's other images", async () => {
    const plan = await planOf({ it: "", device: TWO, wanted: ["2.0.0", "6.0.0"] });
    assert.deepEqual([...new Set(plan.checks.map(({ image }) => image))], [0, 1]);
  });
});
