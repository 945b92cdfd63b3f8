/** The device of a run, the wire to it, and the incidents that befall them. */
import { after, nowMs } from "../../src/clock";
import type { VirtualDevice } from "../../src/device/device";
import type { Exchange } from "../../src/device/exchange";
import { type BootFault, only } from "../../src/device/faults";
import { image as imageGroup } from "../../src/smp/commands";
import { decodeMessage } from "../../src/smp/message";
import { Chance } from "./chance";
import { Bystander } from "./bystanders";
import { bystanderNames, ClientProcess, UNIT } from "./client";
import { Erasures } from "./erasures";
import type { Files } from "./files";
import { uploadForeign } from "./foreign-upload";
import { HeldRequests } from "./held";
import { type Deed, History, type Moment } from "./history";
import { makeDevice } from "./make-device";
import { checkStep } from "./invariants";
import { type BootIncident, type Incident, type Scenario, STARTS } from "./scenario";
import type { Far } from "./links";
import { Moments } from "./moments";
import { Neighbour } from "./neighbour";
import { Timeline } from "./timeline";
import { readTruth, type Truth } from "./truth";
import { Wire } from "./wire";

/** SMP codes that ask for patience: no memory, busy. */
const PATIENCE = [2, 10] as const;
/** A device that has gone away is looked for so long, before the client judges by what it saw last. */
const RECENT_MS = 15_000;

type SuddenIncident = Exclude<Incident["kind"], BootIncident | "held-request">;

export class World {
  readonly timeline: Timeline;
  readonly device: VirtualDevice;
  readonly wire: Wire;
  /** Every client process, the dead ones too. */
  readonly clients: ClientProcess[] = [];
  readonly bystanders: readonly Bystander[];
  readonly history: History;
  /** What a step said that was not so. */
  readonly #untrueSteps: string[] = [];
  /** Versions that ever ran. */
  readonly ran = new Set<string>();
  readonly #scenario: Scenario;
  readonly #files: Files;
  readonly #chance: Chance;
  readonly #moments = new Moments();
  #incidents: readonly Incident[];
  #unreachableUntilMs = -Infinity;
  #onKill: (restartMs: number) => void = () => undefined;
  #cancelPowerOn: () => void = () => undefined;
  readonly #erasures = new Erasures();
  readonly #shown: Moment[] = [];
  readonly #held: HeldRequests;
  readonly #neighbour: Neighbour;

  constructor(scenario: Scenario, files: Files) {
    const startMs = nowMs();
    this.timeline = new Timeline(() => nowMs() - startMs);
    this.#scenario = scenario;
    this.#files = files;
    this.#chance = new Chance(scenario.seed ^ 0x5eed);
    this.#incidents = scenario.incidents;
    this.#held = new HeldRequests(this.#chance, this.timeline);
    this.wire = new Wire(scenario, new Chance(scenario.seed ^ 0xa1e), this.timeline);
    this.device = makeDevice(UNIT, scenario, files, (line) => this.#noteOfDevice(line));
    this.#neighbour = new Neighbour(this.device, scenario);
    if (canResume(scenario)) this.device.faults.add(only(imageGroup.upload, (exchange) => this.#watchUpload(exchange)));
    this.history = new History(this.device, () => this.truth, {
      did: (deed) => this.#noteDeed(deed),
      cut: (steps) => this.timeline.fault("power-cut-in-boot", `after ${steps} flash operations`),
    });
    this.bystanders = bystanderNames(scenario).map((name) => new Bystander(name, scenario));
    this.device.faults.add((exchange) => this.#meet(exchange));
    for (const start of STARTS) if (start === scenario.otherSlot) this.timeline.fault(start, "at the beginning");
    if (scenario.primary !== "old") this.timeline.fault("no-slot0", scenario.primary);
  }

  get truth(): Truth {
    return readTruth(this.device, this.#scenario, this.#files);
  }

  /** What was seen on the way and must not be. */
  get violations(): readonly string[] {
    return [...this.#untrueSteps, ...this.#erasures.needless, ...this.#neighbour.violations];
  }

  /** Now, and when the device has shown its state a short while before: a client cannot know better. */
  moments(): readonly [Moment, ...Moment[]] {
    const now = this.#moment();
    return [now, ...this.#shown.filter(({ atMs }) => now.atMs - atMs < RECENT_MS)];
  }

  #moment(): Moment {
    return { atMs: nowMs(), truth: this.truth, deeds: this.history.deeds, lastBoot: this.history.lastBoot };
  }

  /** @param will in which it differs from the first one */
  newClient(will: Partial<Scenario> = {}): ClientProcess {
    const far = { device: this.device, wire: this.wire, isReachable: () => this.#isReachable };
    const farOf = (name: string): Far => this.bystanders.find((each) => each.name === name)?.far ?? far;
    const scenario = { ...this.#scenario, ...will };
    const client = new ClientProcess(scenario, farOf, this.timeline, (step) => this.#witness(step));
    this.clients.push(client);
    return client;
  }

  /** Resolves with the pause before the restart when the newest client's process is killed. */
  nextKill(): Promise<number> {
    return new Promise((resolve) => (this.#onKill = resolve));
  }

  /** Faults stop, and the device has power. */
  calm(): void {
    this.timeline.add("== the faults stop");
    this.wire.calm();
    this.#incidents = [];
    this.#unreachableUntilMs = -Infinity;
    this.#cancelPowerOn();
    this.device.faults.clear();
    this.device.powerOn();
    this.#held.release();
  }

  #witness(step: string): void {
    this.#untrueSteps.push(...checkStep(step, this.moments(), this.#scenario));
  }

  get #isReachable(): boolean {
    const { state } = this.device;
    return (state === "application" || state === "recovery") && nowMs() >= this.#unreachableUntilMs;
  }

  #noteDeed(deed: Deed): void {
    this.timeline.add(`== the wanted image is ${deed}`);
    const { trial } = this.#scenario;
    if (trial === "crashing" && (deed === "reverted" || deed === "gone")) this.timeline.fault("crashing-trial", deed);
  }

  #noteOfDevice(line: string): void {
    this.timeline.add(`   device: ${line}`);
    const { otherSlot } = this.#scenario;
    if (line.startsWith("upload of") && otherSlot !== "empty") this.timeline.fault("occupied-slot", otherSlot);
    this.#erasures.heard(line);
    this.#moments.heard(line);
    if (!line.startsWith("running ")) return;
    this.ran.add(line.slice("running ".length));
    this.#held.booted();
  }

  #watchUpload(exchange: Exchange): void {
    exchange.changeAnswer((frame) => {
      this.#erasures.answered(decodeMessage(frame).body["off"]);
      return [frame];
    });
  }

  /** Each packet that reaches the device. */
  #meet(exchange: Exchange): void {
    const command = exchange.command?.name ?? "unknown";
    this.#moments.met(command);
    if (this.wire.busyShare > 0 && this.#chance.of(this.wire.busyShare)) {
      this.timeline.fault("busy", command);
      exchange.refuse({ rc: this.#chance.among(PATIENCE) });
    }
    for (const incident of this.#incidents.filter((each) => this.#moments.isDue(each, command))) {
      if (incident.kind === "held-request") this.#hold(incident, exchange);
      else if (incident.when === "before") this.#strike(incident, exchange);
      else exchange.changeAnswer((frame) => [this.#strikeAfter(incident, exchange, frame)]);
    }
    if (command === imageGroup.readState.name) this.#shown.push(this.#moment());
    // Its answer shows the state as well, before anything else that comes with it.
    if (command === imageGroup.writeState.name) {
      exchange.changeAnswer((frame) => {
        this.#shown.push(this.#moment());
        return [frame];
      });
    }
  }

  #strikeAfter(incident: Incident, exchange: Exchange, frame: Uint8Array): Uint8Array {
    // The answer may come when the faults have stopped.
    if (this.#incidents.includes(incident)) this.#strike(incident, exchange);
    return frame;
  }

  #strike({ kind, ms, amount, when, command, nth, since }: Incident, exchange: Exchange): void {
    const text = `${when} ${command} number ${nth} since the ${since}, ${Math.round(ms)} ms, ${amount}`;
    if (kind in this.#bootEffects) {
      this.timeline.add(`!! the next boot: ${kind}, ${text}`);
      this.#nextBoot(this.#bootEffects[kind as BootIncident](ms, amount));
    } else if (this.#effects[kind as SuddenIncident](ms, amount, exchange)) this.timeline.fault(kind, text);
    const { state } = this.device;
    if (when === "before" && state !== "application" && state !== "recovery") exchange.lose();
  }

  /** Each tells whether it has had any effect. */
  readonly #effects: Record<SuddenIncident, (ms: number, amount: number, exchange: Exchange) => boolean> = {
    "link-loss": (ms) => this.#loseLink(ms / 8),
    silence: (ms) => this.wire.silence(ms),
    reboot: () => this.#ifOn(() => this.device.reboot()),
    "power-cut": (ms) => this.#ifOn(() => this.#cutPower(ms)),
    "foreign-upload": (_ms, amount, exchange) =>
      uploadForeign(exchange, { device: this.device, scenario: this.#scenario, files: this.#files, amount }),
    "process-killed": (ms) => this.#kill(ms / 4),
    abort: () => this.clients.at(-1)!.abort(),
    pause: (ms) => this.clients.at(-1)!.pause(ms),
  };

  /** What they do shows when the device boots next. */
  readonly #bootEffects: Record<BootIncident, (ms: number, amount: number) => BootFault> = {
    // Counted by the history.
    "power-cut-in-boot": (ms, amount) => (boot) => boot.cutPower(amount, Math.floor(ms) % 50),
    "bootloader-skipped": () => (boot) => {
      if (this.truth.isPending) this.timeline.fault("bootloader-skipped", "with an image pending");
      boot.skipBootloader();
    },
    "crash-at-start": () => (boot) => {
      if (this.truth.isPending) this.timeline.fault("crash-at-start", "of a pending image");
      boot.crashAtStart();
    },
  };

  #loseLink(outageMs: number): boolean {
    this.#unreachableUntilMs = nowMs() + outageMs;
    for (const client of this.clients) if (!client.isDead) client.links.lose(UNIT, "a fault");
    if (this.#scenario.link === "datagrams" || this.#scenario.link === "flow") this.wire.silence(outageMs);
    return true;
  }

  /** The request, or a copy of it, is for what runs after the next boot, or after so long; it may be that the device reboots now. */
  #hold({ when, ms, amount }: Incident, exchange: Exchange): void {
    const name = exchange.command!.name;
    this.timeline.fault("held-request", `${name}, ${when === "before" ? "kept back" : "a copy"}`);
    this.#held.add(this.wire.again, ms);
    const reboot = (): void => void (amount < 80 && this.#ifOn(() => this.device.reboot()));
    if (when === "before") {
      exchange.lose();
      reboot();
    } else {
      exchange.changeAnswer((frame) => {
        if (this.#incidents.length > 0) reboot();
        return [frame];
      });
    }
  }

  #ifOn(work: () => void): boolean {
    const { state } = this.device;
    if (state !== "application" && state !== "recovery") return false;
    work();
    return true;
  }

  #cutPower(ms: number): void {
    this.device.powerOff();
    this.#cancelPowerOn = after(ms, () => this.device.powerOn());
  }

  #nextBoot(fault: BootFault): void {
    const remove = this.device.faults.addBoot((boot) => {
      remove();
      fault(boot);
    });
  }

  #kill(restartMs: number): boolean {
    const client = this.clients.at(-1)!;
    if (client.isDead) return false;
    client.kill();
    this.wire.forget();
    this.#onKill(restartMs);
    return true;
  }
}

/** MCUboot's recovery goes on with no upload; and what was damaged is worth another one. */
function canResume({ inRecovery, checksum, noise }: Scenario): boolean {
  return !inRecovery && (checksum || noise.bitErrors === 0);
}
