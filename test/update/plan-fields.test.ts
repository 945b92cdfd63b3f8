/** Each field of a plan, as a dry run gives it; a field that is added and not looked at here does not compile. */
import assert from "node:assert/strict";
import { BOOT_MODE } from "../../src/smp/groups/os";
import type { Finding } from "../../src/update/checks";
import type { PlanStep, UpdatePlan } from "../../src/update/plan-types";
import type { SlotState } from "../../src/update/types";
import { buildImage } from "../build-image";
import { planOf } from "./plan-rows";
import { hashFor, state } from "./states";

type Looked<T> = Required<{ [K in keyof T]: (value: Exclude<T[K], undefined>) => void }>;

const FRESH = ["0 1.0.0 active confirmed"];
const OLD_HASH = hashFor("1.0.0");
const NEW_HASH = hashFor("2.0.0");
const SIZE = buildImage({ version: "2.0.0" }).length;
const SLOTS = [{ image: 0, slots: [{ slot: 0, size: 40_000 }], max_image_size: 32_768 }];

function looksAt<T extends object>(subject: T, fields: Partial<Looked<T>>): void {
  assert.deepEqual(Object.keys(subject).toSorted(), Object.keys(fields).toSorted());
  for (const [name, look] of Object.entries(fields)) (look as (value: unknown) => void)(subject[name as keyof T]);
}

const is =
  <T>(wanted: T) =>
  (value: T): void =>
    assert.deepEqual(value, wanted);
const says =
  (wanted: RegExp) =>
  (value: string): void =>
    assert.match(value, wanted);
/** All fields of a type, to be left out by name where a plan has no use for them. */
const without = <T, K extends keyof T>(fields: T, ...names: K[]): Omit<T, K> =>
  Object.fromEntries(Object.entries(fields as object).filter(([name]) => !names.includes(name as K))) as Omit<T, K>;

describe("each field of a plan", () => {
  const settling: Looked<PlanStep> = {
    step: is<PlanStep["step"]>("settle"),
    how: is<"confirm" | "revert" | "wait">("confirm"),
    image: is(0),
    slot: is(1),
    version: is("1.5.0"),
    hash: is(hashFor("1.5.0")),
    reason: says(/^1\.5\.0 runs on trial .* it is confirmed first, as the policy wants$/),
    noReturn: is<true>(true),
  };
  const upload: Looked<PlanStep> = {
    ...settling,
    step: is<PlanStep["step"]>("upload"),
    version: is("2.0.0"),
    hash: is(NEW_HASH),
    reason: says(new RegExp(`^${SIZE} bytes of 2\\.0\\.0 go into slot 1, which is free$`)),
  };

  it("tells what happens, for what state, and why", async () => {
    const plan = await planOf({ it: "", device: FRESH, facts: { slots: SLOTS }, policy: { gate: true } });
    const fields: Looked<UpdatePlan> = {
      outcome: is<UpdatePlan["outcome"]>("update"),
      because: says(
        /^1\.0\.0 runs: 2\.0\.0 is uploaded, selected for the next boot, started by a reset, put before the gate and confirmed$/,
      ),
      goal: is<UpdatePlan["goal"]>("test-and-confirm"),
      steps: (steps) =>
        assert.deepEqual(
          steps.map(({ step }) => step),
          ["upload", "test", "reset", "verify", "gate", "confirm"],
        ),
      verdict: () => assert.fail(),
      refusal: () => assert.fail(),
      checks: (checks) =>
        assert.deepEqual(
          checks.map(({ image, check, level }) => `${image} ${check} ${level}`),
          ["0 content ok", "0 signature warn", "0 slot-size ok", "0 boot-mode ok", "0 version ok"],
        ),
      images: is(state(...FRESH)),
      bootMode: is<number>(BOOT_MODE.SWAP_MOVE),
    };
    looksAt(plan, without(fields, "verdict", "refusal"));
    const [first, mark, reset, verify, gate, confirm] = plan.steps;
    looksAt(first!, without(upload, "how", "noReturn"));
    looksAt(mark!, {
      ...without(upload, "how", "noReturn"),
      step: is<PlanStep["step"]>("test"),
      reason: says(/^marks 2\.0\.0 for one trial boot$/),
    });
    for (const [step, reason] of [
      [reset, /installs the image for a trial; another reset takes it back$/],
      [verify, /has to show that the new image runs on trial$/],
      [gate, /^the flow decides whether the trial is confirmed or left to revert$/],
    ] as const) {
      looksAt(step!, { step: assert.ok, reason: says(reason) });
    }
    looksAt(confirm!, {
      ...without(upload, "how", "slot"),
      step: is<PlanStep["step"]>("confirm"),
      reason: says(/^keeps 2\.0\.0: it runs on trial, as it should$/),
    });
  });

  it("tells how another trial is settled first", async () => {
    const device = ["0 1.5.0 active", "1 1.0.0 confirmed"];
    const plan = await planOf({ it: "", device, policy: { onTrial: "confirm" } });
    looksAt(plan.steps[0]!, without(settling, "slot", "noReturn"));
    assert.deepEqual(plan.images, state(...device), "as it is, and not as it will be");
  });

  it("tells why nothing is done", async () => {
    const plan = await planOf({ it: "", device: ["0 2.0.0 active confirmed"] });
    assert.deepEqual(plan, {
      outcome: "nothing-to-do",
      because: "2.0.0 is not sent: it runs and is confirmed",
      goal: "test-and-confirm",
      steps: [
        {
          step: "skip",
          image: 0,
          slot: 0,
          version: "2.0.0",
          hash: NEW_HASH,
          reason: "2.0.0 is not sent: it runs and is confirmed",
        },
      ],
      verdict: "already-current",
      checks: [],
      images: state("0 2.0.0 active confirmed"),
      bootMode: BOOT_MODE.SWAP_MOVE,
    } satisfies UpdatePlan);
  });

  it("tells what is refused, with the check that refuses it, and how to cure it", async () => {
    const slots = [{ image: 0, slots: [{ slot: 0, size: 200 }], max_image_size: 100 }];
    const plan = await planOf({ it: "", device: FRESH, facts: { slots, bootMode: undefined } });
    const { message, hint, ...report } = plan.refusal!;
    assert.match(message, new RegExp(`${SIZE}.*100`));
    assert.deepEqual(report, { code: "SMP_IMAGE_TOO_LARGE", retryable: false, limit: 100 });
    assert.ok(hint.length > 10);
    assert.deepEqual([plan.outcome, plan.verdict, plan.because, plan.steps], ["refused", "failed", message, []]);
    assert.ok(!("bootMode" in plan), "absent while unknown");
    const fields: Looked<Finding & { image: number }> = {
      image: is(0),
      check: is<Finding["check"]>("slot-size"),
      level: is<Finding["level"]>("refuse"),
      because: is(message),
      error: ({ code, limit }) => assert.deepEqual([code, limit], ["SMP_IMAGE_TOO_LARGE", 100]),
    };
    looksAt(
      plan.checks.find(({ level }) => level === "refuse")!,
      fields,
    );
  });

  it("tells each slot of the state that it was made for", async () => {
    const { images } = await planOf({ it: "", device: FRESH });
    const fields: Looked<SlotState> = {
      image: is(0),
      slot: is(0),
      version: is("1.0.0"),
      hash: is(OLD_HASH),
      bootable: is(true),
      pending: is(false),
      confirmed: is(true),
      active: is(true),
      permanent: is(false),
    };
    looksAt(images[0]!, fields);
  });
});
