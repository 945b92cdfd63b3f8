/** Requests that a network keeps back, for what runs later. */
import { after } from "../../src/clock";
import type { Chance } from "./chance";
import type { Timeline } from "./timeline";

/** After a boot, before the device gets what was kept back. */
const LONGEST_PAUSE_MS = 5_000;

export class HeldRequests {
  readonly #held: (() => void)[] = [];
  readonly #chance: Chance;
  readonly #timeline: Timeline;

  constructor(chance: Chance, timeline: Timeline) {
    this.#chance = chance;
    this.#timeline = timeline;
  }

  /** @param ms it comes then, if the device does not boot before */
  add(arrive: () => void, ms: number): void {
    this.#held.push(arrive);
    after(ms, () => this.release());
  }

  booted(): void {
    after(this.#chance.magnitude(1, LONGEST_PAUSE_MS), () => this.release());
  }

  release(): void {
    for (const arrive of this.#held.splice(0)) {
      this.#timeline.add("== a request arrives that was kept back");
      arrive();
    }
  }
}
