/** Rows of what is planned for which device, firmware and policy. */
import assert from "node:assert/strict";
import type { SmpErrorCode } from "../../src/errors";
import { BOOT_MODE } from "../../src/smp/groups/os";
import { planUpdate } from "../../src/update/plan";
import type { PlanFacts, PlanStep, UpdatePlan } from "../../src/update/plan-types";
import type { UpdatePolicy } from "../../src/update/update-policy";
import { buildImage } from "../build-image";
import { inspect } from "../image/samples";
import { state } from "./states";

export interface Row {
  readonly it: string;
  /** As {@link state} takes it. */
  readonly device: readonly string[];
  readonly facts?: Partial<PlanFacts>;
  /** By image number, "" for none; 2.0.0 for image 0 when absent. */
  readonly wanted?: readonly string[];
  readonly policy?: UpdatePolicy;
  /** As {@link short} writes it, a "!" where there is no way back. */
  readonly steps?: string;
  /** Of nothing to do, or of what is refused. */
  readonly verdict?: UpdatePlan["verdict"];
  readonly code?: SmpErrorCode;
  readonly says?: RegExp;
}

export async function planOf({ device, facts, wanted = ["2.0.0"], policy }: Row): Promise<UpdatePlan> {
  const images = state(...device);
  const versions = wanted.map((version, image) => ({ version, image })).filter(({ version }) => version !== "");
  const parts = await Promise.all(
    versions.map(async ({ version, image }) => ({ image, info: await inspect(buildImage({ version })) })),
  );
  const told = { slots: undefined, bootMode: BOOT_MODE.SWAP_MOVE, noDowngrade: false, inRecovery: false };
  return planUpdate({ device: { images, ...told, ...facts }, parts, policy });
}

export async function assertPlan(row: Row): Promise<void> {
  const plan = await planOf(row);
  const said = JSON.stringify(plan, undefined, 1);
  assert.equal(plan.refusal?.code, row.code, said);
  const outcome = row.code ? "refused" : row.verdict ? "nothing-to-do" : "update";
  assert.equal(plan.outcome, outcome, said);
  assert.equal(plan.verdict, row.verdict ?? (row.code ? "failed" : undefined), said);
  if (row.steps !== undefined) assert.equal(short(plan.steps), row.steps, said);
  assert.match([plan.because, ...plan.steps.map(({ reason }) => reason)].join("\n"), row.says ?? /./);
  for (const { reason } of plan.steps) assert.notEqual(reason, "");
}

function short(steps: readonly PlanStep[]): string {
  return steps
    .filter(({ step }) => step !== "skip")
    .map(({ step, how, image, slot, noReturn }) => {
      const at = image === undefined ? "" : slot === undefined ? ` ${image}` : ` ${image}/${slot}`;
      return `${how ?? step}${at}${noReturn ? "!" : ""}`;
    })
    .join(", ");
}
