/** The whole update of one device: plan, upload, mark, reset, verify, gate, confirm; it always ends in a verdict. */
import { formatMs, nowMs, sleep, throwIfAborted, withDeadline } from "../clock";
import { hasCode, SmpError, toSmpError } from "../errors";
import type { DeviceHandle, SessionPool } from "../session/types";
import { HeldAbort } from "./held-abort";
import { planUpdate } from "./plan";
import { readPlanFacts } from "./plan-facts";
import type { PlanFacts, PlanStep, UpdatePlan } from "./plan-types";
import { readImageState } from "./recovery";
import { resetDevice } from "./reset-device";
import { RunProgress } from "./run-progress";
import { RunRecord } from "./run-record";
import { runSteps } from "./run-steps";
import type { UpdateEvidence, UpdateOptions, UpdatePart, UpdateResult } from "./run-types";
import { describeSlot, describeState, holds, isUpToDate } from "./state";
import type { UpdateVerdict } from "./types";

/** The name of the work in the pool's queue. */
const NAME = "update";
const GATE_MS = 600_000;
type GateAnswer = NonNullable<UpdateEvidence["gate"]>["answer"];

/** For the state of a device that has failed: it is only evidence. */
/** What may still be under way when an update has its turn again. */
const LOOK = "look";
const LOOK_MS = 10_000;
const LOOK_PAUSE_MS = 500;

/**
 * What {@link runUpdate} would do, and why; nothing on the device is touched.
 * @throws SMP_BAD_INPUT, and as `SessionPool.use` and `SmpSession.request`
 */
export async function planDevice(pool: SessionPool, address: unknown, options: UpdateOptions): Promise<UpdatePlan> {
  const { signal } = options;
  return pool.use(address, { name: "plan", signal }, async (device) => (await look(device, options, signal)).plan);
}

/**
 * Updates a device. While a gate waits for its answer the device is free for others.
 * @param address as the pool takes it
 * @returns never rejects: what went wrong is in the result
 */
export async function runUpdate(pool: SessionPool, address: unknown, options: UpdateOptions): Promise<UpdateResult> {
  const run = new Run(pool, address, options);
  return run.toEnd();
}

async function look(
  device: DeviceHandle,
  { parts, policy, gate }: UpdateOptions,
  signal: AbortSignal | undefined,
): Promise<{ facts: PlanFacts; plan: UpdatePlan; parts: readonly UpdatePart[] }> {
  const facts = await readPlanFacts(await device.session(signal), signal);
  const fitting = typeof parts === "function" ? parts(facts.images) : parts;
  const plan = planUpdate({ device: facts, parts: fitting, policy: { ...policy, gate: gate !== undefined } });
  return { facts, plan, parts: fitting };
}

class Run {
  readonly #pool: SessionPool;
  readonly #address: unknown;
  readonly #options: UpdateOptions;
  readonly #record: RunRecord;
  readonly #progress: RunProgress;
  readonly #abort: HeldAbort;
  readonly #device: string;
  #facts: PlanFacts | undefined;

  constructor(pool: SessionPool, address: unknown, options: UpdateOptions) {
    this.#pool = pool;
    this.#address = address;
    this.#options = options;
    this.#record = new RunRecord();
    this.#abort = new HeldAbort(options.signal);
    this.#device = String(address);
    this.#progress = new RunProgress(this.#device, options);
  }

  async toEnd(): Promise<UpdateResult> {
    try {
      const plan = await this.#use((device) => this.#plan(device));
      if (plan.outcome !== "update") return this.#untouched(plan);
      const gateAt = plan.steps.findIndex(({ step }) => step === "gate");
      const [steps, rest] = gateAt < 0 ? [plan.steps, []] : [plan.steps.slice(0, gateAt), plan.steps.slice(gateAt + 1)];
      if (steps.length > 0) await this.#use((device) => this.#steps(device, steps));
      // A firmware that has confirmed itself is past every gate.
      const answer =
        gateAt < 0 || this.#record.onTrial.length === 0 ? "passed" : await this.#askGate(plan.steps[gateAt]!);
      if (answer !== "passed") return await this.#decline(answer);
      if (rest.length > 0) await this.#use((device) => this.#steps(device, rest));
      const more = this.#unforeseen(plan);
      if (more.length > 0) await this.#use((device) => this.#steps(device, more));
      return this.#success(plan);
    } catch (thrown) {
      return await this.#failure(toSmpError(thrown));
    } finally {
      this.#abort.end();
    }
  }

  /** The plan; when another trial was in the way, the one that follows its end. */
  async #plan(device: DeviceHandle): Promise<UpdatePlan> {
    this.#progress.enter("planning");
    const first = await this.#look(device);
    const settling = first.steps.filter(({ step }) => step === "settle");
    if (first.outcome !== "update" || settling.length === 0) return first;
    await this.#steps(device, settling);
    return this.#look(device);
  }

  async #look(device: DeviceHandle): Promise<UpdatePlan> {
    const { facts, plan, parts } = await look(device, this.#options, this.#abort.signal);
    this.#facts = facts;
    this.#record.begin(plan, parts);
    this.#progress.planned(plan, parts, device.learnt.swapMs);
    return plan;
  }

  #steps(device: DeviceHandle, steps: readonly PlanStep[]): Promise<void> {
    const [options, record, progress, abort] = [this.#options, this.#record, this.#progress, this.#abort];
    const address = this.#device;
    return runSteps(steps, { device, address, options, facts: this.#facts!, record, progress, abort });
  }

  #use<T>(work: (device: DeviceHandle) => Promise<T>): Promise<T> {
    const { signal } = this.#abort;
    const onWaiting = (ahead: number): void => {
      if (ahead > 0) this.#progress.enter("queued");
    };
    return this.#pool.use(this.#address, { name: NAME, sole: true, signal, onWaiting }, work);
  }

  /** What was to stay runs on trial all the same: it was marked before, which recovery does not show. */
  #unforeseen({ goal }: UpdatePlan): PlanStep[] {
    if (goal === "upload" || goal === "test") return [];
    return this.#record.onTrial.map(({ image, version, hash }) => {
      const reason = `keeps ${version}: it runs on trial, as it was marked before`;
      return { step: "confirm", image, version, hash, reason, noReturn: true };
    });
  }

  async #askGate(step: PlanStep): Promise<GateAnswer> {
    const { gate } = this.#options;
    const { signal } = this.#abort;
    const { deadlineMs = GATE_MS } = gate!;
    const question = { device: this.#device, firmware: this.#record.firmware, images: this.#record.state, deadlineMs };
    this.#progress.begin(step, "gate");
    const startMs = nowMs();
    const ask = async (): Promise<GateAnswer> => {
      try {
        return (await withDeadline("the gate's answer", deadlineMs, signal, (inner) => gate!.ask(question, inner)))
          ? "passed"
          : "declined";
      } catch (error) {
        throwIfAborted(signal);
        if (hasCode(error, "SMP_TIMEOUT")) return "expired";
        throw error;
      }
    };
    const answer = await this.#record.step(step, ask);
    this.#record.mayTrialBeOver = true;
    this.#record.gate = { answer, waitedMs: Math.round(nowMs() - startMs) };
    return answer;
  }

  async #decline(answer: "declined" | "expired"): Promise<UpdateResult> {
    const { gate, waitMs } = this.#options;
    const why =
      answer === "declined"
        ? "the gate did not let it pass"
        : `the gate was not answered within ${formatMs(gate?.deadlineMs ?? GATE_MS)}`;
    const isSeen = await this.#lookAgain();
    if (this.#record.onTrial.length === 0) return this.#tooLate(why);
    if (gate?.revertAtOnce !== true) {
      if (!isSeen) return this.#result("failed", `${why}, and the device, last seen on trial, does not answer`, false);
      return this.#result("testing", `${why}: the trial is left to revert with the next reset`, false);
    }
    this.#progress.enter("reverting");
    const wanted = this.#record.onTrial[0];
    const { after, verdict, because } = await this.#use((device) =>
      this.#record.step({ step: "reset" }, () => resetDevice(device, { wanted, waitMs, signal: this.#abort.signal })),
    );
    this.#record.state = after;
    return this.#result(verdict ?? "failed", `${why}: ${because}`, false);
  }

  /** Meanwhile the trial has ended by itself. */
  #tooLate(why: string): UpdateResult {
    const { state, firmware } = this.#record;
    const stays = firmware.every((wanted) => isUpToDate(state, wanted));
    if (stays) return this.#result("confirmed", `${why}, but the firmware has confirmed itself`, false);
    return this.#result("reverted", `${why}, and the trial has ended by itself: ${describeState(state)}`, false);
  }

  #untouched({ verdict = "failed", because, refusal }: UpdatePlan): UpdateResult {
    if (!refusal) return this.#result(verdict, because, true);
    return { ...this.#result(verdict, because, false), error: { ...refusal, device: this.#device } };
  }

  #success(plan: UpdatePlan): UpdateResult {
    if (plan.goal === "upload") return this.#result("uploaded", plan.because, true);
    const onTrial = this.#record.onTrial.length > 0;
    const isWanted = plan.goal === "test" || !onTrial;
    const because = onTrial
      ? `${this.#names} on trial; unless it is confirmed, a reset reverts it`
      : `${this.#names} runs and is confirmed`;
    return this.#result(onTrial ? "testing" : "confirmed", because, isWanted);
  }

  get #names(): string {
    return this.#record.firmware.map(({ version }) => version).join(" and ");
  }

  async #failure(error: SmpError): Promise<UpdateResult> {
    const { verdict } = error.details;
    const isSeen = verdict !== "unreachable-after-reset" && (await this.#lookAgain());
    const standing = this.#whereItStands(isSeen);
    const truth = (standing === "confirmed" ? standing : (verdict ?? standing)) as UpdateVerdict;
    if (truth === "confirmed") return this.#result(truth, `${this.#names} runs and is confirmed after all`, true);
    const because = `${error.message}${this.#left(isSeen)}`;
    const report = { device: this.#device, ...error.report(), message: because };
    return { ...this.#result(truth, because, false), error: report };
  }

  /** Of an update that broke off. */
  #whereItStands(isSeen: boolean): UpdateVerdict {
    const { state, firmware, onTrial, mayTrialBeOver } = this.#record;
    const { goal } = this.#record.plan ?? {};
    const isToStay = goal === "test-and-confirm" || goal === "confirm";
    if (isSeen && isToStay && firmware.every((wanted) => isUpToDate(state, wanted))) return "confirmed";
    return onTrial.length > 0 && (isSeen || !mayTrialBeOver) ? "testing" : "failed";
  }

  /** What is left of the update: nothing can unmark an image. */
  #left(isSeen: boolean): string {
    const { state, firmware, onTrial, mayTrialBeOver } = this.#record;
    if (!isSeen && mayTrialBeOver && onTrial.length > 0) return "; the device was last seen on trial";
    const marked = firmware.flatMap((wanted) => state.filter((slot) => slot.pending && holds(slot, wanted)));
    if (!isSeen || marked.length === 0) return "";
    return `; the next reset installs ${marked.map((slot) => describeSlot(slot)).join(" and ")}`;
  }

  /**
   * How the device stands now belongs to the evidence. It may be rebooting.
   * @returns whether it was seen
   */
  async #lookAgain(): Promise<boolean> {
    if (!this.#record.plan) return false;
    const { signal } = this.#abort;
    const read = (inner: AbortSignal): Promise<void> =>
      this.#pool.use(this.#address, { name: LOOK, signal: inner }, async (device) => {
        this.#record.state = await readImageState(await device.session(inner), inner);
      });
    const patiently = async (inner: AbortSignal): Promise<void> => {
      while (
        !(await read(inner).then(
          () => true,
          () => false,
        ))
      )
        await sleep(LOOK_PAUSE_MS, inner);
    };
    return await withDeadline("the state of a failed device", LOOK_MS, signal, patiently).then(
      () => true,
      () => false,
    );
  }

  #result(verdict: UpdateVerdict, because: string, ok: boolean): UpdateResult {
    const { plan, evidence } = this.#record;
    this.#options.onStanding?.({ device: this.#device, images: evidence.after });
    return { device: this.#device, ok, verdict, because, ...(plan && { plan }), evidence };
  }
}
