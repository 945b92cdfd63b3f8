/** One client process: a pool, and the whole update over it, as a flow of the nodes does it. */
import { after, sleep } from "../../src/clock";
import { SmpError, type SmpErrorReport, toSmpError } from "../../src/errors";
import { inspectFirmware } from "../../src/image/inspect";
import { openFirmware } from "../../src/image/source";
import { createPool } from "../../src/session/pool";
import type { DeviceHandle, SessionPool } from "../../src/session/types";
import { Brake } from "../../src/update/brake";
import { confirmImage } from "../../src/update/confirm-image";
import { describeFirmware } from "../../src/update/firmware";
import { Fleet } from "../../src/update/fleet";
import { resetDevice } from "../../src/update/reset-device";
import { readImageState } from "../../src/update/recovery";
import { activeSlot, holds, isUpToDate } from "../../src/update/state";
import { runUpdate } from "../../src/update/run-update";
import type { Gate, UpdateOptions, UpdatePart, UpdateResult } from "../../src/update/run-types";
import { testImage } from "../../src/update/test-image";
import type { UpdateVerdict, Verdict } from "../../src/update/types";
import { uploadFirmware } from "../../src/update/upload";
import type { Files } from "./files";
import { type Far, ProcessLinks } from "./links";
import type { Scenario } from "./scenario";
import type { Timeline } from "./timeline";

/** How an update ended, as the client says. */
export type Outcome =
  { readonly verdict: UpdateVerdict | undefined } | { readonly error: SmpErrorReport; readonly step: string };

/** The device that all is about. */
export const UNIT = "unit";

/** Is told when a step says that it has succeeded. */
export type Witness = (step: string) => void;

export class ClientProcess {
  readonly links: ProcessLinks;
  readonly #pool: SessionPool;
  readonly #scenario: Scenario;
  readonly #timeline: Timeline;
  readonly #witness: Witness;
  readonly #abort = new AbortController();
  #running: Pick<Brake, "pause" | "resume"> | undefined;
  #fleet: Promise<readonly UpdateResult[]> = Promise.resolve([]);
  #isDead = false;
  #step = "open";

  constructor(scenario: Scenario, farOf: (name: string) => Far, timeline: Timeline, witness: Witness) {
    this.links = new ProcessLinks(scenario.link, farOf);
    this.#witness = witness;
    this.#pool = createPool(this.links.transport);
    this.#scenario = scenario;
    this.#timeline = timeline;
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** @returns whether it was the first one */
  abort(): boolean {
    if (this.signal.aborted) return false;
    this.#abort.abort(new SmpError("SMP_ABORTED", "somebody stopped the update"));
    return true;
  }

  /** Somebody pauses the update, and lets it go on. @returns whether there is one that can be paused */
  pause(ms: number): boolean {
    const running = this.#running;
    if (!running) return false;
    running.pause();
    after(ms, () => running.resume());
    return true;
  }

  /** As kill -9 does: nothing is tidied up, nobody is told. */
  kill(): void {
    this.#isDead = true;
    this.links.kill();
  }

  /** What became of the other devices of the fleet. */
  others(): Promise<readonly UpdateResult[]> {
    return this.#fleet;
  }

  close(): Promise<void> {
    return this.#pool.close();
  }

  /** The whole update. Never rejects. */
  async update(files: Files): Promise<Outcome> {
    try {
      if (this.#scenario.how !== "steps") return await this.#atOnce(files);
      const verdict = await this.#stepByStep(files.wanted);
      this.#note(`the update ends: ${verdict}`);
      return { verdict };
    } catch (thrown) {
      const error = toSmpError(thrown);
      if (error.code === "SMP_INTERNAL") this.#note(String((error.cause as Error | undefined)?.stack));
      return this.#failed(error.report(), this.#step);
    }
  }

  #failed(error: SmpErrorReport, step: string): Outcome {
    this.#note(`the update fails in ${step}: ${error.code} ${error.verdict ?? ""} ${error.message}`);
    return { error, step };
  }

  async #atOnce(files: Files): Promise<Outcome> {
    const { image, window, both, goal, how, inRecovery } = this.#scenario;
    const parts = [await partOf(files.wanted, image)];
    if (both) parts.push(await partOf(files.neighbourWanted, 1 - image));
    const options = {
      parts,
      policy: { allowRecovery: inRecovery, goal },
      gate: this.#gate(),
      window,
      signal: this.signal,
    };
    this.#note("update");
    const result = how === "fleet" ? await this.#inFleet(options) : await this.#alone(options);
    const { ok, verdict, because, error, evidence } = result;
    this.#note(`the update ends: ${verdict}, ${because}`);
    if (ok || (!error && evidence.gate)) return { verdict };
    const step = evidence.steps.at(-1)?.step ?? "plan";
    if (!error) throw new Error(`an update ends ${verdict} without an error: ${because}`);
    return this.#failed({ ...error, verdict }, step);
  }

  #alone(options: UpdateOptions): Promise<UpdateResult> {
    const brake = new Brake();
    this.#running = brake;
    return runUpdate(this.#pool, UNIT, { ...options, brake });
  }

  /** Of the unit; the others may take longer. */
  #inFleet(options: Omit<UpdateOptions, "onProgress" | "brake">): Promise<UpdateResult> {
    const names = [UNIT, ...bystanderNames(this.#scenario)];
    return new Promise((resolve) => {
      const onResult = (result: UpdateResult): void => void (result.device === UNIT && resolve(result));
      const fleet = new Fleet(this.#pool, names, { ...options, onResult });
      this.#running = fleet;
      this.#fleet = fleet.run().then(({ devices }) => devices.slice(1));
    });
  }

  #gate(): Gate | undefined {
    const { gate, gateMs, revertAtOnce } = this.#scenario;
    if (gate === "none") return undefined;
    return {
      revertAtOnce,
      ...(gate === "silent" && { deadlineMs: gateMs }),
      ask: async ({ device }, signal) => {
        if (device !== UNIT) return true;
        this.#note(`the gate is asked: it ${gate}`);
        if (gate === "silent") return await new Promise(() => undefined);
        await sleep(gateMs, signal);
        return gate === "passes";
      },
    };
  }

  async #stepByStep(file: Buffer): Promise<Verdict | undefined> {
    const source = await openFirmware(file);
    const info = await inspectFirmware(source);
    const { signal } = this;
    const { image, mode, window } = this.#scenario;
    const firmware = describeFirmware(info, image);
    const { hash } = firmware;
    const state = await this.#run("state", async (device) => readImageState(await device.session(signal), signal));
    if (isUpToDate(state, firmware)) return "already-current";
    const active = activeSlot(state, image);
    if (!active || active.confirmed || !holds(active, firmware)) {
      const options = { image, window, signal, allowRecovery: this.#scenario.inRecovery };
      const { outcome } = await this.#run("upload", (device) => uploadFirmware(device, source, info, options));
      if (outcome === "already-current") return outcome;
      if (mode !== "direct-xip") await this.#run("test", (device) => testImage(device, { hash, image, signal }));
      const { verdict } = await this.#run("reset", (device) => resetDevice(device, { wanted: firmware, signal }));
      if (verdict !== "testing") return verdict;
    }
    await this.#run("confirm", (device) => confirmImage(device, { hash, image, signal }));
    return "confirmed";
  }

  async #run<T>(name: string, work: (device: DeviceHandle) => Promise<T>): Promise<T> {
    this.#step = name;
    this.#note(name);
    const result = await this.#pool.use(UNIT, { name, signal: this.signal }, work);
    this.#witness(name);
    return result;
  }

  #note(text: string): void {
    this.#timeline.add(`== ${this.#isDead ? "the dead process: " : ""}${text}`);
  }
}

export function bystanderNames({ how, bystanders }: Scenario): string[] {
  return how === "fleet" ? Array.from({ length: bystanders }, (_, index) => `bystander-${index + 1}`) : [];
}

async function partOf(file: Buffer, image: number): Promise<UpdatePart> {
  const source = await openFirmware(file);
  return { image, source, info: await inspectFirmware(source) };
}
