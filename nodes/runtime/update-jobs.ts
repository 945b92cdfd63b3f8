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
import { PartsCollector } from "./parts";
import { findPool, type PoolNode } from "./pool";
import { recordOf, type FlowMessage, type FlowNode, type NodeAPI } from "./red";
import { Throttle } from "./throttle";
import { wantedDevices, type WantedDevices } from "./update-devices";
import type { UpdateGates } from "./update-gates";
import { planOutcome, updateOutcome, type OutcomeContext } from "./update-outcome";
import { reportFleet } from "./update-progress";
import { readUpdateSettings, type UpdateConfig, type UpdateSettings } from "./update-settings";
import { wholeFirmware } from "./whole-firmware";

export const TOLD = "the update node";
const GATE_OUTPUT = 2;
/** The job's own progress lets less through; more often it need not be computed. */
const REPORT_INTERVAL_MS = 100;

interface Running {
  readonly job: Job;
  pool?: string;
  /** Absent while the firmware is read. */
  fleet?: Fleet;
  /** What came for the fleet meanwhile. */
  readonly early: ((fleet: Fleet) => void)[];
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
  readonly #parts = new PartsCollector();
  readonly #running = new Set<Running>();

  constructor(RED: NodeAPI, node: FlowNode, { config, gates }: { config: UpdateConfig; gates: UpdateGates }) {
    this.#RED = RED;
    this.#node = node;
    this.#config = config;
    this.#gates = gates;
  }

  /**
   * Obeys `msg.action`, for the devices that the message names or for all.
   * @returns whether there is nothing else to do
   * @throws SMP_BAD_INPUT for what is no device
   */
  control({ action, smp }: FlowMessage): boolean {
    if (action !== "pause" && action !== "resume" && action !== "abort") return false;
    const { device, pool } = recordOf(smp);
    const named = device === undefined ? undefined : wantedDevices({ value: device, field: DEVICE_OF_MESSAGE }).devices;
    for (const running of this.#running) {
      // A pool of the node's own is meant whatever the message says.
      const isOther = !this.#config.pool && pool !== undefined && running.pool !== undefined && running.pool !== pool;
      if (!isOther) obey(running, action, named);
    }
    return true;
  }

  /** @returns undefined for a part of the firmware, with more to come */
  async run(job: Job): Promise<Outcome | undefined> {
    const running: Running = { job, early: [] };
    this.#running.add(running);
    try {
      const given = await wholeFirmware(job, this.#config, this.#parts);
      return given && (await this.#read(running, given));
    } finally {
      this.#running.delete(running);
    }
  }

  async #read(running: Running, given: Given): Promise<Outcome> {
    const { job } = running;
    const subject = await this.#subject(job);
    const { pool } = subject;
    running.pool = pool.id;
    const image = imageNumber(await job.input("image")) ?? 0;
    const sha256 = expectedSha256(given, await job.input("sha256"));
    const keys = await publicKeys(this.#RED, pool.demands, job.signal);
    job.show(job.words.own("reading"));
    return withPackage({ RED: this.#RED, given, pool, signal: job.signal }, async (pack) => {
      const signatures = await verifyAll(pack, keys, job.signal);
      const parts = packageParts(pack, { image, signatures });
      return this.#update(running, subject, { pack, image, options: this.#options(job, subject, { parts, sha256 }) });
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
    running: Running,
    { pool, devices, isSingle, settings }: Subject,
    { pack, image, options }: { pack: FirmwarePackage; image: number; options: FleetOptions },
  ): Promise<Outcome> {
    const { job, early } = running;
    const throttle = new Throttle<void>(REPORT_INTERVAL_MS, () => reportFleet(job, fleet.progress, isSingle));
    const fleet = new Fleet(pool.sessions(), devices, { ...options, onProgress: () => throttle.push() });
    this.#refuseTwice(pool, fleet);
    running.fleet = fleet;
    const [only, second] = pack.parts;
    const firmware = second ? undefined : describeFirmware(only.info, only.image ?? image);
    const context: OutcomeContext = { job, pool, isSingle, firmware };
    try {
      job.show(job.words.own("busy"));
      for (const act of early) act(fleet);
      if (settings.dryRun || job.msg.action === "plan") return planOutcome(await fleet.plan(), context);
      const result = await fleet.run();
      throttle.now();
      return updateOutcome(result, context);
    } finally {
      throttle.stop();
    }
  }

  #refuseTwice(pool: PoolNode, { devices }: Fleet): void {
    for (const other of this.#running) {
      const twice = other.pool === pool.id && devices.find((device) => other.fleet?.find(device) !== undefined);
      if (twice) throw new SmpError("SMP_BUSY", `${twice} is being updated by this node already`, { device: twice });
    }
  }
}

const DEVICE_OF_MESSAGE = { name: "msg.smp.device", code: "SMP_BAD_INPUT" } as const;

/** @param named undefined for all */
function obey(running: Running, action: "pause" | "resume" | "abort", named: readonly string[] | undefined): void {
  const { job, fleet, early } = running;
  const device = job.device ?? recordOf(job.msg.smp)["device"];
  const isMeant = !named || (typeof device === "string" && named.includes(device));
  // Also while the firmware is read, which may take as long as whoever sends it likes.
  if (action === "abort" && isMeant)
    return job.abort(stopped(job.device ? `the update of ${job.device}` : "the update"));
  const act = (on: Fleet): void => {
    if (!named) return on[action as "pause" | "resume"]();
    for (const each of named) {
      const found = on.find(each);
      if (found === undefined) continue;
      if (action === "abort") on.abort(stopped(`the update of ${found}`), found);
      else on[action](found);
    }
  };
  if (fleet) act(fleet);
  else early.push(act);
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
