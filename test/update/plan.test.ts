import assert from "node:assert/strict";
import { BOOT_MODE } from "../../src/smp/groups/os";
import { planUpdate } from "../../src/update/plan";
import { UPDATE_GOALS } from "../../src/update/update-policy";
import { buildImage } from "../build-image";
import { inspect } from "../image/samples";
import { assertPlan, planOf, type Row } from "./plan-rows";

const FRESH = ["0 1.0.0 active confirmed"];
const IN_SLOT = [...FRESH, "1 2.0.0"];
const PENDING = [...FRESH, "1 2.0.0 pending"];
const PERMANENT = [...FRESH, "1 2.0.0 pending permanent"];
const ON_TRIAL = ["0 2.0.0 active", "1 1.0.0 confirmed"];
const CURRENT = ["0 2.0.0 active confirmed", "1 1.0.0"];
const OTHER_ON_TRIAL = ["0 1.5.0 active", "1 1.0.0 confirmed"];
const OTHER_PENDING = [...FRESH, "1 1.5.0 pending"];

const BY_POLICY: Row[] = [
  {
    it: "test and confirm",
    device: FRESH,
    steps: "upload 0/1, test 0/1, reset, verify, confirm 0!",
    says: /^1\.0\.0 runs: 2\.0\.0 is uploaded, selected for the next boot, started by a reset and confirmed$/m,
  },
  {
    it: "test and confirm with a gate",
    device: FRESH,
    policy: { gate: true },
    steps: "upload 0/1, test 0/1, reset, verify, gate, confirm 0!",
    says: /the flow decides/,
  },
  { it: "test only", device: FRESH, policy: { goal: "test" }, steps: "upload 0/1, test 0/1, reset, verify" },
  {
    it: "confirm only",
    device: FRESH,
    policy: { goal: "confirm" },
    steps: "upload 0/1, permanent 0/1, reset!, verify",
    says: /as the policy wants: there is no trial/,
  },
  { it: "upload only", device: FRESH, policy: { goal: "upload" }, steps: "upload 0/1" },
];

const BY_STATE: Row[] = [
  {
    it: "an image that is in its slot",
    device: IN_SLOT,
    steps: "test 0/1, reset, verify, confirm 0!",
    says: /2\.0\.0 is not sent: it is in slot 1 already/,
  },
  {
    it: "the same, confirm only",
    device: IN_SLOT,
    policy: { goal: "confirm" },
    steps: "permanent 0/1, reset!, verify",
  },
  {
    it: "an image pending from before",
    device: PENDING,
    steps: "reset, verify, confirm 0!",
    says: /for a trial from before/,
  },
  {
    it: "an image pending from before, confirm only",
    device: PENDING,
    policy: { goal: "confirm" },
    steps: "reset, verify, confirm 0!",
  },
  {
    it: "an image permanent from before",
    device: PERMANENT,
    steps: "reset!, verify",
    says: /as permanent from before/,
  },
  { it: "an image that runs on trial", device: ON_TRIAL, steps: "confirm 0!", says: /it runs already, on trial/ },
  { it: "the same with a gate", device: ON_TRIAL, policy: { gate: true }, steps: "gate, confirm 0!" },
  { it: "the same, confirm only", device: ON_TRIAL, policy: { goal: "confirm" }, steps: "confirm 0!" },
  {
    it: "an image that was reverted earlier",
    device: ["0 1.0.0 active confirmed", "1 2.0.0"],
    steps: "test 0/1, reset, verify, confirm 0!",
  },
  {
    it: "a device that runs in its upper slot",
    device: ["1 1.0.0 active confirmed"],
    steps: "upload 0/0, test 0/0, reset, verify, confirm 0!",
  },
  { it: "an empty list", device: [], steps: "upload 0/0, test 0/0, reset, verify, confirm 0!" },
];

const NOTHING: Row[] = [
  {
    it: "runs and is confirmed",
    device: CURRENT,
    verdict: "already-current",
    steps: "",
    says: /runs and is confirmed/,
  },
  {
    it: "runs, and another is to come",
    device: ["0 2.0.0 active confirmed", "1 3.0.0 pending"],
    verdict: "already-current",
    says: /but the next reset installs what waits in slot 1: 3\.0\.0 .* pending$/m,
  },
  { it: "runs, only newer", device: CURRENT, policy: { versions: "newer" }, verdict: "already-current" },
  { it: "runs, upload only", device: CURRENT, policy: { goal: "upload" }, verdict: "already-current" },
  { it: "is on trial, test only", device: ON_TRIAL, policy: { goal: "test" }, verdict: "testing" },
  { it: "is in its slot, upload only", device: IN_SLOT, policy: { goal: "upload" }, verdict: "uploaded" },
];

const OTHERS: Row[] = [
  { it: "another trial", device: OTHER_ON_TRIAL, code: "SMP_TRIAL_RUNNING", says: /1\.5\.0 runs on trial/ },
  {
    it: "another trial, to be confirmed",
    device: OTHER_ON_TRIAL,
    policy: { onTrial: "confirm" },
    steps: "confirm 0, upload 0/1, test 0/1, reset, verify, confirm 0!",
  },
  {
    it: "another trial, to be reverted",
    device: OTHER_ON_TRIAL,
    policy: { onTrial: "revert" },
    steps: "revert 0, upload 0/1, test 0/1, reset, verify, confirm 0!",
  },
  {
    it: "another trial, to be waited for",
    device: OTHER_ON_TRIAL,
    policy: { onTrial: "wait" },
    steps: "wait 0, upload 0/1, test 0/1, reset, verify, confirm 0!",
  },
  {
    it: "what a trial falls back to",
    device: ["0 1.5.0 active", "1 2.0.0 confirmed"],
    policy: { onTrial: "revert" },
    steps: "revert 0",
    says: /2\.0\.0 is what runs/,
  },
  {
    it: "what a trial falls back to, the trial confirmed",
    device: ["0 1.5.0 active", "1 2.0.0 confirmed"],
    policy: { onTrial: "confirm" },
    steps: "confirm 0, test 0/1, reset, verify, confirm 0!",
  },
  { it: "another pending image", device: OTHER_PENDING, code: "SMP_IMAGE_PENDING", says: /waits for the next reset/ },
  {
    it: "a permanent image with a gate",
    device: PERMANENT,
    policy: { gate: true },
    code: "SMP_IMAGE_PENDING",
    says: /marked as permanent from before/,
  },
  { it: "a permanent image, test only", device: PERMANENT, policy: { goal: "test" }, code: "SMP_IMAGE_PENDING" },
];

const VERSIONS: Row[] = [
  {
    it: "an older version",
    device: ["0 3.0.0 active confirmed"],
    steps: "upload 0/1, test 0/1, reset, verify, confirm 0!",
  },
  {
    it: "an older version, only newer",
    device: ["0 3.0.0 active confirmed"],
    policy: { versions: "newer" },
    code: "SMP_NOT_NEWER",
    verdict: "refused-downgrade",
    says: /2\.0\.0 is older than what runs \(3\.0\.0\), and only newer/,
  },
  {
    it: "an older version, not older",
    device: ["0 3.0.0 active confirmed"],
    policy: { versions: "not-older" },
    code: "SMP_NOT_NEWER",
    verdict: "refused-downgrade",
    says: /older firmware is not wanted/,
  },
  {
    it: "a newer version, only newer",
    device: FRESH,
    policy: { versions: "newer" },
    steps: "upload 0/1, test 0/1, reset, verify, confirm 0!",
  },
  { it: "1.10 after 1.9", device: ["0 1.9.0 active confirmed"], wanted: ["1.10.0"], policy: { versions: "newer" } },
  {
    it: "an image on trial, only newer",
    device: ON_TRIAL,
    policy: { versions: "newer" },
    steps: "confirm 0!",
  },
];

describe("planUpdate", () => {
  const groups: [string, Row[]][] = [
    ["follows the policy", BY_POLICY],
    ["leaves out what is not needed", BY_STATE],
    ["has nothing to do when the image", NOTHING],
    ["minds other images:", OTHERS],
    ["minds versions:", VERSIONS],
  ];
  for (const [group, rows] of groups) {
    for (const row of rows) it(`${group} ${row.it}`, () => assertPlan(row));
  }

  it("sends nothing that the checks refuse, and says which", async () => {
    const slots = [{ image: 0, slots: [{ slot: 0, size: 200 }], max_image_size: 100 }];
    const plan = await planOf({ it: "", device: FRESH, facts: { slots } });
    assert.equal(plan.refusal?.code, "SMP_IMAGE_TOO_LARGE");
    assert.equal(plan.refusal.limit, 100);
    const refused = plan.checks.filter(({ level }) => level === "refuse");
    assert.deepEqual(
      refused.map(({ image, check }) => [image, check]),
      [[0, "slot-size"]],
    );
  });

  it("refuses a gate where the policy has none", async () => {
    for (const goal of UPDATE_GOALS.filter((each) => each !== "test-and-confirm")) {
      const row = { it: "", device: FRESH, policy: { goal, gate: true } };
      await assert.rejects(planOf(row), { code: "SMP_BAD_INPUT" });
    }
  });

  it("refuses two files for one image, and none", async () => {
    const device = { images: [], slots: undefined, bootMode: undefined, noDowngrade: false, inRecovery: false };
    const part = { image: 0, info: await inspect(buildImage({ version: "2.0.0" })) };
    for (const parts of [[], [part, part]])
      assert.throws(() => planUpdate({ device, parts }), { code: "SMP_BAD_INPUT" });
  });

  it("is plain data that keeps what it was made for", async () => {
    const plan = await planOf({ it: "", device: FRESH });
    assert.deepEqual(structuredClone(plan), plan);
    assert.deepEqual([plan.goal, plan.bootMode, plan.images.length], ["test-and-confirm", BOOT_MODE.SWAP_MOVE, 1]);
  });
});
