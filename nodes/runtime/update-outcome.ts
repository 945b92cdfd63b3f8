/** How an update leaves its node. */
import {
  SmpError,
  type Firmware,
  type FleetPlan,
  type FleetResult,
  type SmpErrorReport,
  type UpdateResult,
} from "../../src/index";
import type { Job, Outcome } from "./job";
import type { PoolNode } from "./pool";
import { recordOf } from "./red";

export interface OutcomeContext {
  readonly job: Job;
  readonly pool: PoolNode;
  /** The message named one device, and no list. */
  readonly isSingle: boolean;
  /** Undefined of a package of several images. */
  readonly firmware: Firmware | undefined;
}

/** @throws the error of a single device, with the evidence in the message; of several each has its verdict in the result */
export function updateOutcome(result: FleetResult, context: OutcomeContext): Outcome {
  const { job, isSingle } = context;
  const [only] = result.devices;
  const smp = { ...smpOf(context), ...(isSingle && only && factsOf(only)) };
  if (isSingle && only?.error) {
    Object.assign(job.msg, { payload: result, smp: { ...recordOf(job.msg.smp), ...smp } });
    throw toError(only.error, only.verdict);
  }
  return { payload: result, smp, mixed: !result.ok, text: textOf(result, context) };
}

/** @throws the error of a single device of which nothing can be planned */
export function planOutcome(plan: FleetPlan, context: OutcomeContext): Outcome {
  const { isSingle, job } = context;
  const [only] = plan.devices;
  if (isSingle && only?.error) throw toError(only.error);
  const isFit = plan.devices.every(({ plan: made }) => made && made.outcome !== "refused");
  const images = isSingle && only?.plan ? { images: only.plan.images } : {};
  return { payload: plan, smp: { ...smpOf(context), ...images }, mixed: !isFit, text: job.words.own("planned") };
}

/** What was learnt of one device is not to be used on another. */
function smpOf({ pool, isSingle, job, firmware }: OutcomeContext): Outcome["smp"] {
  const device = isSingle ? job.device : undefined;
  return {
    pool: pool.id,
    link: pool.link,
    device,
    firmware,
    images: undefined,
    verdict: undefined,
    unfinished: undefined,
  };
}

function factsOf({ verdict, evidence }: UpdateResult): Outcome["smp"] {
  return { verdict, images: evidence.after };
}

function textOf({ devices, ok }: FleetResult, { isSingle, job }: OutcomeContext): string {
  const [only] = devices;
  if (isSingle && only) return job.words.own(only.verdict);
  const well = devices.filter((device) => device.ok).length;
  return job.words.own(ok ? "all-done" : "some-done", { well, all: devices.length });
}

function toError({ code, message, hint, retryable, ...details }: SmpErrorReport, verdict?: string): SmpError {
  return new SmpError(code, message, { ...details, hint, retryable, ...(verdict !== undefined && { verdict }) });
}
