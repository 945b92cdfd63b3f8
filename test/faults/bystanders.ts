/** Healthy devices that are updated beside the one that has bad luck: over the same pool, from the same source. */
import type { VirtualDevice } from "../../src/device/device";
import type { UpdateResult } from "../../src/update/run-types";
import { Chance } from "./chance";
import { makeFiles, type Files } from "./files";
import type { Far } from "./links";
import { makeDevice } from "./make-device";
import { QUIET, type Scenario } from "./scenario";
import { Timeline } from "./timeline";
import { describeTruth, isDone, readTruth, type Truth } from "./truth";
import { Wire } from "./wire";

export class Bystander {
  readonly name: string;
  readonly far: Far;
  readonly #device: VirtualDevice;
  readonly #scenario: Scenario;
  readonly #files: Files;

  constructor(name: string, unlucky: Scenario) {
    this.name = name;
    this.#scenario = { ...unlucky, noise: QUIET, trial: "healthy", otherSlot: "empty", primary: "old" };
    this.#files = makeFiles(this.#scenario);
    const device = makeDevice(name, this.#scenario, this.#files, () => undefined);
    const wire = new Wire(this.#scenario, new Chance(unlucky.seed), new Timeline(() => 0));
    this.far = { device, wire, isReachable: () => device.state === "application" };
    this.#device = device;
  }

  get truth(): Truth {
    return readTruth(this.#device, this.#scenario, this.#files);
  }

  close(): void {
    this.#device.close();
  }

  /** @param mayStop somebody stopped the update, or asked for what the bootloader cannot do */
  violations({ ok, verdict, because }: UpdateResult, mayStop: boolean): string[] {
    const { truth } = this;
    const said = `${this.name}, to which nothing happened, ends ${verdict}: ${because}; it is: ${describeTruth(truth)}`;
    if (truth.running !== "old" && truth.running !== "wanted") return [said];
    return ok ? (IS_REACHED[verdict]?.(truth) === true ? [] : [said]) : mayStop ? [] : [said];
  }
}

const IS_REACHED: Record<string, (truth: Truth) => boolean> = {
  confirmed: isDone,
  "already-current": isDone,
  testing: ({ running, isConfirmed }) => running === "wanted" && !isConfirmed,
  uploaded: ({ other }) => other === "wanted",
};
