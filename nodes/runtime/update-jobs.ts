/** The updates of an update node: those that run can be stopped, paused and let go on. */
import {
  describeFirmware,
  Fleet,
  packageParts,
  SmpError,
  verifySignature,
  type FirmwarePackage,
  type FirmwarePart,
  type FleetOptions,
  type GateQuestion,
  type PublicKey,
  type SignatureCheck,
  type Standing,
} from "../../src/index";
import { imageNumber, type Given } from "./checks";
import { publicKeys } from "./demands";
import { expectedSha256, withPackage } from "./firmware";
import type { Job, Outcome } from "./job";
import { findPool, type PoolNode } from "./pool";
import { recordOf, type FlowMessage, type FlowNode, type NodeAPI } from "./red";
import { Throttle } from "./throttle";
import { wantedDevices, type WantedDevices } from "./update-devices";
import type { UpdateGates } from "./update-gates";
import { planOutcome, updateOutcome, type OutcomeContext } from "./update-outcome";
import { reportFleet } from "./update-progress";
import { readUpdateSettings, type UpdateConfig, type UpdateSettings } from "./update-settings";

export const TOLD = "the update node";
const GATE_OUTPUT = 2;
/** The job's own progress lets less through; more often it need not be computed. */
const REPORT_INTERVAL_MS = 100;

interface RunningFleet {
  readonly pool: string;
  readonly fleet: Fleet;
}

/** What an update is about. */
interface Subject extends WantedDevices {
  readonly pool: PoolNode;
  readonly settings: UpdateSettings;
}

export class UpdateJobs {
  readonly #RED: NodeAPI;
  readonly #node: FlowNode;
  readonly #config: UpdateConfig;
  readonly #gates: UpdateGates;
  readonly #running = new Set<RunningFleet>();

  constructor(RED: NodeAPI, node: FlowNode, { config, gates }: { config: UpdateConfig; gates: UpdateGates }) {
    this.#RED = RED;
    this.#node = node;
    this.#config = config;
    this.#gates = gates;
  }

  /** Obeys `msg.action`, for the device that the message names or for all. @returns whether there is nothing else to do */
  control({ action, smp }: FlowMessage): boolean {
    const { device } = recordOf(smp);
    for (const { fleet } of this.#running) {
      if (action === "pause") fleet.pause();
      else if (action === "resume") fleet.resume();
      else if (action === "abort") abort(fleet, device);
    }
    return action === "pause" || action === "resume" || action === "abort";
  }

  async run(job: Job, given: Given): Promise<Outcome> {
    const subject = await this.#subject(job);
    const { pool } = subject;
    const image = imageNumber(await job.input("image")) ?? 0;
    const sha256 = expectedSha256(given, await job.input("sha256"));
    const keys = await publicKeys(this.#RED, pool.demands, job.signal);
    job.show(job.words.own("reading"));
    return withPackage({ RED: this.#RED, given, pool, signal: job.signal }, async (pack) => {
      const signatures = await verifyAll(pack, keys, job.signal);
      const parts = packageParts(pack, { image, signatures });
      return this.#update(job, subject, { pack, image, options: this.#options(job, subject, { parts, sha256 }) });
    });
  }

  async #subject(job: Job): Promise<Subject> {
    const settings = readUpdateSettings(this.#config);
    const { pool: id } = this.#config;
    const pool = id
      ? findPool(this.#RED, id, TOLD)
      : findPool(this.#RED, recordOf(job.msg.smp)["pool"], "msg.smp.pool");
    const wanted = wantedDevices(await job.input("device"));
    const [device] = wanted.devices;
    if (wanted.isSingle) pool.sessions().key(device);
    job.aimAt({ pool, ...(wanted.isSingle && { device: device! }) });
    if (settings.gate && !this.#node.wires[GATE_OUTPUT]?.length) throw unwiredGate();
    return { ...wanted, pool, settings };
  }

  #options(
    job: Job,
    { pool, settings }: Subject,
    { parts, sha256 }: { parts: FleetOptions["parts"]; sha256: string | undefined },
  ): FleetOptions {
    const { gate, policy, fleet } = settings;
    const emit = (question: GateQuestion, gateId: string): void =>
      job.sendFresh(GATE_OUTPUT, gateMessage(question, pool, gateId));
    const ask = this.#gates.gate(pool.id, emit);
    return {
      ...fleet,
      parts,
      policy: { ...policy, ...(sha256 !== undefined && { fileSha256: sha256 }) },
      signal: job.signal,
      onStanding: (standing) => takeDown(pool, standing),
      ...(gate && { gate: { ...gate, ask } }),
    };
  }

  async #update(
    job: Job,
    { pool, devices, isSingle, settings }: Subject,
    { pack, image, options }: { pack: FirmwarePackage; image: number; options: FleetOptions },
  ): Promise<Outcome> {
    const throttle = new Throttle<void>(REPORT_INTERVAL_MS, () => reportFleet(job, fleet.progress, isSingle));
    const fleet = new Fleet(pool.sessions(), devices, { ...options, onProgress: () => throttle.push() });
    this.#refuseTwice(pool, fleet);
    const running = { pool: pool.id, fleet };
    this.#running.add(running);
    const [only, second] = pack.parts;
    const firmware = second ? undefined : describeFirmware(only.info, only.image ?? image);
    const context: OutcomeContext = { job, pool, isSingle, firmware };
    try {
      job.show(job.words.own("busy"));
      if (settings.dryRun || job.msg.action === "plan") return planOutcome(await fleet.plan(), context);
      const result = await fleet.run();
      throttle.now();
      return updateOutcome(result, context);
    } finally {
      throttle.stop();
      this.#running.delete(running);
    }
  }

  #refuseTwice(pool: PoolNode, { devices }: Fleet): void {
    for (const other of this.#running) {
      const twice = other.pool === pool.id && devices.find((device) => other.fleet.devices.includes(device));
      if (twice) throw new SmpError("SMP_BUSY", `${twice} is being updated by this node already`, { device: twice });
    }
  }
}

function abort(fleet: Fleet, device: unknown): void {
  if (typeof device !== "string") fleet.abort(stopped("the update"));
  else if (fleet.devices.includes(device)) fleet.abort(stopped(`the update of ${device}`), device);
}

function stopped(what: string): SmpError {
  return new SmpError("SMP_ABORTED", `${what} was stopped by msg.action "abort"`);
}

function takeDown(pool: PoolNode, { device, firmware, images }: Standing): void {
  const key = pool.sessions().key(device);
  if (images) pool.jobs.seen(key, images, firmware);
  else if (firmware) pool.jobs.began(key, firmware);
}

async function verifyAll(
  pack: FirmwarePackage,
  keys: readonly PublicKey[],
  signal: AbortSignal,
): Promise<Map<FirmwarePart, SignatureCheck>> {
  const checks = new Map<FirmwarePart, SignatureCheck>();
  if (keys.length === 0) return checks;
  for (const part of pack.parts) checks.set(part, await verifySignature(part.source, keys, { signal }));
  return checks;
}

/** Goes through the flow, which looks at the device and sends it back with `msg.smp.gate` true or false. */
function gateMessage(question: GateQuestion, { id: pool, link }: PoolNode, gateId: string): object {
  const { device, firmware, images, deadlineMs } = question;
  return {
    payload: { device, firmware, images, deadlineMs },
    smp: { pool, device, link, firmware: firmware[0], images, verdict: "testing", gate: "asked", gateId },
  };
}

function unwiredGate(): SmpError {
  return new SmpError("SMP_BAD_SETTING", "the gate is on, but nothing is wired to its output: nobody could answer", {
    field: "gate",
    hint: "Wire the output gate to what decides, and that back to the input with msg.smp.gate true or false; or turn the gate off.",
  });
}
