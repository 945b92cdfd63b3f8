/** One run of the campaign: an update under faults, what it left behind, and a second one when the faults have stopped. */
import { getEventListeners } from "node:events";
import { sleep } from "../../src/clock";
import { messageOf } from "../../src/errors";
import { Chance } from "./chance";
import type { Outcome } from "./client";
import { makeFiles, type Files } from "./files";
import type { Moment } from "./history";
import {
  checkEnd,
  checkLast,
  checkOutcome,
  checkPatience,
  checkSecond,
  checkWill,
  isObstacle,
  mayBeSecondTry,
} from "./invariants";
import type { Scenario } from "./scenario";
import { describeTruth } from "./truth";
import { VirtualTime } from "./virtual-time";
import { World } from "./world";

export interface RunResult {
  readonly scenario: Scenario;
  /** What must not be; empty when all is well. */
  readonly violations: readonly string[];
  readonly timeline: readonly string[];
  /** How often each fault struck. */
  readonly faults: ReadonlyMap<string, number>;
  /** How the update under faults ended, in a word. */
  readonly ended: string;
  readonly virtualMs: number;
}

/** Longer than anything that was left behind may last. */
const SETTLE_MS = 420_000;
const ROUNDS = 4;
/** The second attempt. */
const TO_THE_END = { goal: "test-and-confirm", gate: "none" } as const;

export async function runScenario(scenario: Scenario): Promise<RunResult> {
  const stray: string[] = [];
  const onRejection = (reason: unknown): void => void stray.push(`unhandled rejection: ${messageOf(reason)}`);
  const onWarning = (warning: Error): void => void stray.push(`warning: ${warning.message}`);
  process.on("unhandledRejection", onRejection);
  process.on("warning", onWarning);
  const originalRandom = Math.random;
  Math.random = new Chance(scenario.seed ^ 0x12345).random;
  const time = new VirtualTime();
  try {
    return await new Run(scenario, time, stray).carryOut();
  } finally {
    time.end();
    Math.random = originalRandom;
    process.off("unhandledRejection", onRejection);
    process.off("warning", onWarning);
  }
}

class Run {
  readonly #scenario: Scenario;
  readonly #time: VirtualTime;
  readonly #stray: readonly string[];
  readonly #files: Files;
  readonly #world: World;
  readonly #violations: string[] = [];
  #ended = "nothing";

  constructor(scenario: Scenario, time: VirtualTime, stray: readonly string[]) {
    this.#scenario = scenario;
    this.#time = time;
    this.#stray = stray;
    this.#files = makeFiles(scenario);
    this.#world = new World(scenario, this.#files);
  }

  async carryOut(): Promise<RunResult> {
    try {
      await this.#attempts();
    } catch (thrown) {
      this.#violations.push(messageOf(thrown));
    }
    const { timeline } = this.#world;
    return {
      scenario: this.#scenario,
      violations: [...this.#violations, ...this.#stray],
      timeline: timeline.lines(),
      faults: timeline.faults,
      ended: this.#ended,
      virtualMs: this.#time.nowMs,
    };
  }

  async #attempts(): Promise<void> {
    const world = this.#world;
    this.#tell(`at first: ${describeTruth(world.truth)}`);
    const { outcome, moments } = await this.#time.until(this.#attemptUnderFaults());
    const { truth } = moments[0];
    const scenario = this.#scenario;
    this.#ended = "error" in outcome ? `${outcome.step}: ${outcome.error.code}` : `${outcome.verdict}`;
    const after = { outcome, truth, scenario, moments };
    if (isObstacle(after)) world.timeline.fault(scenario.obstacle, this.#ended);
    this.#expect([...checkOutcome(after), ...checkWill(truth, scenario), ...checkPatience(after)]);
    await this.#checkBystanders(true);
    world.calm();
    await this.#time.pass(SETTLE_MS);
    await this.#restart(scenario.restarts);
    const settled = world.truth;
    this.#tell(`now: ${describeTruth(settled)}`);
    this.#expect(checkEnd({ outcome, truth: settled, scenario, moments, ran: world.ran }));
    await this.#secondAttempt();
    await this.#end();
  }

  /** The outcome of the last client process, and how the device was at that moment. */
  async #attemptUnderFaults(): Promise<{ outcome: Outcome; moments: readonly [Moment, ...Moment[]] }> {
    for (;;) {
      const client = this.#world.newClient();
      const killed = this.#world.nextKill();
      const ended = client.update(this.#files).then((outcome) => ({ outcome, moments: this.#world.moments() }));
      const first = await Promise.race([ended, killed]);
      if (typeof first !== "number") return first;
      await sleep(first);
    }
  }

  /** Without faults it succeeds, unless the device can never run the image. */
  async #secondAttempt(): Promise<void> {
    const scenario = { ...this.#scenario, ...TO_THE_END };
    const client = this.#world.newClient(TO_THE_END);
    for (let round = 1; ; round++) {
      const outcome = await this.#time.until(client.update(this.#files));
      const moments = this.#world.moments();
      const { truth } = moments[0];
      // A mark of the first attempt is as that wanted it.
      this.#expect(checkOutcome({ outcome, truth, scenario: this.#scenario, moments }));
      await this.#checkBystanders(false);
      if (round < ROUNDS && mayBeSecondTry(outcome, scenario)) {
        await this.#restart(1);
        continue;
      }
      this.#expect(checkSecond({ outcome, truth, scenario, moments }));
      break;
    }
    await this.#time.pass(SETTLE_MS);
    await this.#restart(2);
    const { truth } = this.#world;
    this.#expect(this.#world.violations);
    this.#tell(`in the end: ${describeTruth(truth)}`);
    this.#expect(checkLast(truth, this.#scenario));
  }

  /** The first attempt may ask for what the bootloader cannot do, and meet a device that a dead process has just reset. */
  async #checkBystanders(isFirst: boolean): Promise<void> {
    const client = this.#world.clients.at(-1)!;
    const results = await this.#time.until(client.others());
    for (const [index, result] of results.entries()) {
      const wasKilled = this.#world.clients.some(({ isDead }) => isDead);
      const mayStop =
        (isFirst && wasKilled) || client.signal.aborted || (isFirst && result.plan?.outcome === "refused");
      this.#expect(this.#world.bystanders[index]!.violations(result, mayStop));
    }
  }

  /** Nothing is left when everything is closed: no timer, no listener. */
  async #end(): Promise<void> {
    const { clients, device } = this.#world;
    const living = clients.filter((client) => !client.isDead);
    await this.#time.until(Promise.all(living.map((client) => client.close())));
    device.close();
    for (const bystander of this.#world.bystanders) bystander.close();
    const listeners = clients.flatMap(({ signal }) => getEventListeners(signal, "abort")).length;
    if (listeners > 0) this.#violations.push(`${listeners} listeners are left on the caller's signal`);
    const { pendingTimers } = this.#time;
    if (pendingTimers > 0) this.#violations.push(`${pendingTimers} timers are left`);
  }

  async #restart(times: number): Promise<void> {
    for (let count = 0; count < times; count++) {
      this.#tell("the device is restarted");
      this.#world.device.reboot();
      await this.#time.pass(60_000);
    }
  }

  #tell(text: string): void {
    this.#world.timeline.add(`== ${text}`);
  }

  #expect(violations: readonly string[]): void {
    for (const violation of violations) {
      this.#violations.push(violation);
      this.#tell(`VIOLATION: ${violation}`);
    }
  }
}
