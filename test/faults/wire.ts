/** The medium between client and device, and what it does to what it carries. */
import { after, nowMs } from "../../src/clock";
import { image } from "../../src/smp/commands";
import { decodeHeader, HEADER_BYTES } from "../../src/smp/header";
import type { Chance } from "./chance";
import { QUIET, type Noise, type Scenario } from "./scenario";
import { describeFrame, type Timeline } from "./timeline";

type Deliver = (unit: Uint8Array) => void;
export type Direction = "to device" | "to client";

const REMEMBERED = 24;
/** What is older does not come again: nobody could tell it from the answer that is due, with 256 sequence numbers. */
const OLDEST_MS = 10_000;
/** Less than any device needs to reboot: what a network holds back for longer may meet another image. */
const LONGEST_DELAY_MS = 4_000;

export class Wire {
  readonly #scenario: Scenario;
  readonly #chance: Chance;
  readonly #timeline: Timeline;
  #noise: Noise;
  #isSilent = false;
  #past: { readonly atMs: number; readonly unit: Uint8Array }[] = [];
  readonly #held: Record<Direction, (() => void) | undefined> = { "to device": undefined, "to client": undefined };
  /** On its way. */
  #inAir = 0;
  /** What takes the unit that the device is just getting. */
  #arriving: (() => void) | undefined;

  constructor(scenario: Scenario, chance: Chance, timeline: Timeline) {
    this.#scenario = scenario;
    this.#noise = scenario.noise;
    this.#chance = chance;
    this.#timeline = timeline;
  }

  get inAir(): number {
    return this.#inAir;
  }

  get busyShare(): number {
    return this.#noise.busy;
  }

  /** From now on everything gets through as it is. */
  calm(): void {
    this.#noise = QUIET;
    this.#isSilent = false;
  }

  /** Nothing gets through for a while. */
  silence(ms: number): true {
    this.#isSilent = true;
    after(ms, () => (this.#isSilent = false));
    return true;
  }

  /** Brings what the device is just getting once more. */
  get again(): () => void {
    return this.#arriving ?? (() => undefined);
  }

  carry(direction: Direction, unit: Uint8Array, deliver: Deliver): void {
    this.#timeline.add(() => `${direction === "to device" ? "──►" : "◄──"} ${this.#describe(unit)}`);
    if (direction === "to client") this.#replay(unit, deliver);
    if (this.#isSilent || this.#strikes("loss", direction, unit)) return;
    const copies = this.#strikes("duplication", direction, unit) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) this.#carryOne(direction, unit, deliver);
  }

  #carryOne(direction: Direction, unit: Uint8Array, deliver: Deliver): void {
    const changed = this.#damage(direction, unit);
    if (!changed) return;
    const isOrdered = this.#scenario.link === "console";
    const hold = !isOrdered && this.#strikes("reordering", direction, unit);
    const delay = !isOrdered && this.#strikes("delay", direction, unit);
    const ms = this.#scenario.latencyMs + (delay ? this.#chance.magnitude(1, LONGEST_DELAY_MS) : 0);
    const released = this.#held[direction];
    if (hold) this.#hold(direction, () => this.#deliverIn(ms, changed, deliver));
    else this.#deliverIn(ms, changed, deliver);
    released?.();
  }

  /** Until the next one has passed it, or a while has. */
  #hold(direction: Direction, release: () => void): void {
    let isOver = false;
    const once = (): void => {
      if (isOver) return;
      isOver = true;
      if (this.#held[direction] === once) this.#held[direction] = undefined;
      release();
    };
    this.#held[direction] = once;
    after(200, once);
  }

  #deliverIn(ms: number, unit: Uint8Array, deliver: Deliver): void {
    this.#inAir++;
    after(ms, () => {
      this.#inAir--;
      this.#arriving = () => deliver(unit);
      deliver(unit);
      this.#arriving = undefined;
    });
  }

  #damage(direction: Direction, unit: Uint8Array): Uint8Array | undefined {
    let changed = unit;
    if (this.#strikes("truncation", direction, unit))
      changed = unit.subarray(0, this.#chance.whole(0, unit.length - 1));
    if (!this.#strikes("bitErrors", direction, unit)) return changed;
    // A checksum below finds it. So it must be where a client could not know better: a list of slots is what it goes by.
    if (this.#scenario.link !== "console" && (this.#scenario.checksum || isStateList(unit))) return undefined;
    return this.#flipped(changed);
  }

  #flipped(unit: Uint8Array): Uint8Array {
    const changed = Uint8Array.from(unit);
    for (let count = this.#chance.among([1, 1, 2, 8]); count > 0 && changed.length > 0; count--) {
      changed[this.#chance.whole(0, changed.length - 1)]! ^= 1 << this.#chance.whole(0, 7);
    }
    return changed;
  }

  /** A client's process was killed: what was for it is not for the next one, whose numbers may be the same. */
  forget(): void {
    this.#past = [];
  }

  /** An answer of before comes once more. */
  #replay(unit: Uint8Array, deliver: Deliver): void {
    this.#past = this.#past.filter(({ atMs }) => nowMs() - atMs < OLDEST_MS);
    if (this.#scenario.link !== "console" && this.#past.length > 0 && this.#strikes("stale", "to client", unit)) {
      this.#deliverIn(this.#scenario.latencyMs, this.#chance.among(this.#past).unit, deliver);
    }
    this.#past.push({ atMs: nowMs(), unit });
    if (this.#past.length > REMEMBERED) this.#past.shift();
  }

  #strikes(kind: keyof Noise, direction: Direction, unit: Uint8Array): boolean {
    if (this.#noise[kind] === 0 || !this.#chance.of(this.#noise[kind])) return false;
    this.#timeline.fault(kind, () => `${direction} ${this.#describe(unit)}`);
    return true;
  }

  #describe(unit: Uint8Array): string {
    return this.#scenario.link === "console" ? `line of ${unit.length} bytes` : describeFrame(unit);
  }
}

function isStateList(frame: Uint8Array): boolean {
  if (frame.length < HEADER_BYTES) return false;
  const { group, id, op } = decodeHeader(frame);
  return group === image.readState.group && id === image.readState.id && op % 2 === 1;
}
