/** The device of a run, the wire to it, and the incidents that befall them. */
import { after, nowMs } from "../../src/clock";
import { VirtualDevice } from "../../src/device/device";
import type { Exchange } from "../../src/device/exchange";
import { OP } from "../../src/smp/header";
import { image as imageGroup } from "../../src/smp/commands";
import { encodeMessage } from "../../src/smp/message";
import { createHash } from "node:crypto";
import { hashOf } from "../build-image";
import { Chance } from "./chance";
import { ClientProcess } from "./client";
import { type Files, isUnwelcome, PAGE_BYTES } from "./files";
import type { Incident, Scenario } from "./scenario";
import { Timeline } from "./timeline";
import { Wire } from "./wire";

/** SMP codes that ask for patience: no memory, busy. */
const PATIENCE = [2, 10] as const;
const FOREIGN_CHUNK_BYTES = 200;

export class World {
  readonly timeline: Timeline;
  readonly device: VirtualDevice;
  readonly wire: Wire;
  /** Every client process, the dead ones too. */
  readonly clients: ClientProcess[] = [];
  /** Versions that ever ran. */
  readonly ran = new Set<string>();
  readonly #scenario: Scenario;
  readonly #files: Files;
  readonly #chance: Chance;
  readonly #seen = new Map<string, number>();
  #incidents: readonly Incident[];
  #unreachableUntilMs = -Infinity;
  #onKill: (restartMs: number) => void = () => undefined;
  #cancelPowerOn: () => void = () => undefined;

  constructor(scenario: Scenario, files: Files) {
    const startMs = nowMs();
    this.timeline = new Timeline(() => nowMs() - startMs);
    this.#scenario = scenario;
    this.#files = files;
    this.#chance = new Chance(scenario.seed ^ 0x5eed);
    this.#incidents = scenario.incidents;
    this.wire = new Wire(scenario, new Chance(scenario.seed ^ 0xa1e), this.timeline);
    this.device = this.#makeDevice();
    this.device.faults.add((exchange) => this.#meet(exchange));
  }

  newClient(): ClientProcess {
    const far = { device: this.device, wire: this.wire, isReachable: () => this.#isReachable };
    const client = new ClientProcess(this.#scenario, far, this.timeline);
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
  }

  get #isReachable(): boolean {
    const { state } = this.device;
    return (state === "application" || state === "recovery") && nowMs() >= this.#unreachableUntilMs;
  }

  #makeDevice(): VirtualDevice {
    const { scenario, files } = { scenario: this.#scenario, files: this.#files };
    const { image, otherSlot, obstacle } = scenario;
    const mine =
      image === 0 ? { slot0: files.old, slot1: files.other } : { image1Slot0: files.old, image1Slot1: files.other };
    const neighbour =
      scenario.imageCount === 1 ? {} : image === 0 ? { image1Slot0: files.neighbour } : { slot0: files.neighbour };
    const device = new VirtualDevice({
      ...scenario,
      name: "unit",
      ...mine,
      ...neighbour,
      slotBytes: scenario.pages * PAGE_BYTES,
      pageBytes: PAGE_BYTES,
      allowConfirmNonActiveImageAny: true,
      startsInRecovery: scenario.inRecovery,
      cannotSwap: obstacle === "cannot-swap",
      ...(obstacle === "downgrade" && { downgradePrevention: "version" as const }),
      ...(obstacle === "rejected" && { acceptsImage: ({ version }) => !isUnwelcome(version) }),
      log: (line) => this.#noteOfDevice(line),
    });
    if (otherSlot === "pending") device.store.setState(hashOf(files.third), false);
    return device;
  }

  #noteOfDevice(line: string): void {
    this.timeline.add(`   device: ${line}`);
    if (line.startsWith("running ")) this.ran.add(line.slice("running ".length));
  }

  /** Each packet that reaches the device. */
  #meet(exchange: Exchange): void {
    const command = exchange.command?.name ?? "unknown";
    const count = (this.#seen.get(command) ?? 0) + 1;
    this.#seen.set(command, count);
    if (this.wire.busyShare > 0 && this.#chance.of(this.wire.busyShare)) {
      this.timeline.fault("busy", command);
      exchange.refuse({ rc: this.#chance.among(PATIENCE) });
    }
    for (const incident of this.#incidents) {
      if (incident.command !== command || incident.nth !== count) continue;
      if (incident.when === "before") this.#strike(incident, exchange);
      else
        exchange.changeAnswer((frame) => {
          this.#strike(incident, undefined);
          return [frame];
        });
    }
  }

  /** @param exchange the request that is about to be served, if any */
  #strike(incident: Incident, exchange: Exchange | undefined): void {
    const { kind, ms, amount, when, command, nth } = incident;
    this.timeline.fault(kind, `${when} ${command} number ${nth}, ${Math.round(ms)} ms, ${amount}`);
    this.#effects[kind](ms, amount, exchange);
    const { state } = this.device;
    if (state !== "application" && state !== "recovery") exchange?.lose();
  }

  readonly #effects: Record<Incident["kind"], (ms: number, amount: number, exchange: Exchange | undefined) => void> = {
    "link-loss": (ms) => this.#loseLink(ms / 8),
    silence: (ms) => this.wire.silence(ms),
    reboot: () => this.device.reboot(),
    "power-cut": (ms) => this.#cutPower(ms),
    "power-cut-in-boot": (ms, amount) => this.#nextBoot((boot) => boot.cutPower(amount, Math.floor(ms) % 50)),
    "bootloader-skipped": () => this.#nextBoot((boot) => boot.skipBootloader()),
    "crash-at-start": () => this.#nextBoot((boot) => boot.crashAtStart()),
    "foreign-upload": (_ms, amount, exchange) => this.#foreignUpload(amount, exchange),
    "process-killed": (ms) => this.#kill(ms / 4),
    abort: () => this.clients.at(-1)?.abort(),
  };

  #loseLink(outageMs: number): void {
    this.#unreachableUntilMs = nowMs() + outageMs;
    for (const client of this.clients) if (!client.isDead) client.links.lose("a fault");
    if (this.#scenario.link === "datagrams" || this.#scenario.link === "flow") this.wire.silence(outageMs);
  }

  #cutPower(ms: number): void {
    this.device.powerOff();
    this.#cancelPowerOn = after(ms, () => this.device.powerOn());
  }

  #nextBoot(fault: Parameters<VirtualDevice["faults"]["addBoot"]>[0]): void {
    const remove = this.device.faults.addBoot((boot) => {
      remove();
      fault(boot);
    });
  }

  /** Another client sends some of an image of its own, or all of it. */
  #foreignUpload(amount: number, exchange: Exchange | undefined): void {
    const { foreign } = this.#files;
    const sha = createHash("sha256").update(foreign).digest();
    // With direct-XIP a whole one would run, and rightly so.
    const share = this.#scenario.mode === "direct-xip" ? Math.min(amount, 70) : amount;
    const end = Math.min(foreign.length, Math.ceil((foreign.length * (share + 10)) / 100));
    for (let off = 0; off < end; off += FOREIGN_CHUNK_BYTES) {
      const data = foreign.subarray(off, Math.min(off + FOREIGN_CHUNK_BYTES, end));
      const body = off === 0 ? { image: this.#scenario.image, len: foreign.length, off, sha, data } : { off, data };
      exchange?.inject(encodeMessage({ ...imageGroup.upload, op: OP.WRITE, version: 1, seq: 0, body }));
    }
  }

  #kill(restartMs: number): void {
    const client = this.clients.at(-1);
    if (!client || client.isDead) return;
    client.kill();
    this.wire.forget();
    this.#onKill(restartMs);
  }
}
