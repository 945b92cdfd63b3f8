/**
 * A whole device in memory: flash and MCUboot, an SMP server that obeys Zephyr's rules, time that things take, and a
 * way for tests to break it. It shares the command table with the client, and nothing else.
 */
import { nowMs } from "../clock";
import { SmpError } from "../errors";
import { RESET_INTO } from "../smp/groups/os";
import { BootPlan, bootMs } from "./boot-plan";
import { type DeviceConnection, type DeviceListener, OpenConnection } from "./connection";
import { Faults } from "./faults";
import { HandlerTable } from "./handlers";
import type { Host } from "./host";
import { addImageGroup } from "./image-group";
import { DeviceImages } from "./images";
import {
  BOOT_MODE_NUMBER,
  chosenPace,
  chosenProfile,
  imagesOptions,
  type Trial,
  type VirtualDeviceOptions,
} from "./options";
import { addOsGroup } from "./os-group";
import type { Pace } from "./pace";
import type { Profile } from "./profiles";
import { RecoveryServer } from "./recovery";
import { RequestQueue } from "./request-queue";
import { type PacketServer, SmpServer } from "./server";
import { addStatGroup } from "./stat-group";
import { Timers } from "./timers";

/** What answers at the moment; "booting" and "off" are silence. */
export type DeviceState = "application" | "recovery" | "booting" | "off" | "closed";

/** Runs from the moment it is made until it is closed; its server is in {@link profile}, its flash in {@link store}. */
export class VirtualDevice {
  readonly name: string;
  readonly profile: Profile;
  readonly pace: Pace;
  readonly store: DeviceImages;
  readonly faults = new Faults();
  readonly #host: Host;
  readonly #trial: Trial;
  readonly #log: (line: string) => void;
  readonly #timers = new Timers();
  readonly #connections = new Set<OpenConnection>();
  #state: DeviceState = "off";
  #boots = 0;
  #startedMs = nowMs();
  #queue: RequestQueue | undefined;
  #server: PacketServer | undefined;
  #resetIsDue = false;

  /**
   * Makes a device that has just started: it can be connected to at once.
   * @throws SMP_BAD_SETTING, SMP_IMAGE_TOO_LARGE for slots that cannot be
   */
  constructor(options: VirtualDeviceOptions) {
    this.name = options.name;
    this.profile = chosenProfile(options);
    this.pace = chosenPace(options);
    this.store = new DeviceImages(imagesOptions(options, this.profile));
    this.#trial = options.trial ?? "healthy";
    this.#log = options.log ?? (() => undefined);
    this.#host = this.#makeHost(options);
    this.#boots = 1;
    if (this.profile.startsInRecovery) this.#run("recovery");
    else this.#run(this.store.isValid(0, this.store.activeSlot(0)) ? "application" : "recovery");
  }

  get state(): DeviceState {
    return this.#state;
  }

  /** Times that the device has started, the first included. */
  get boots(): number {
    return this.#boots;
  }

  /** Since the last start. */
  get uptimeMs(): number {
    return nowMs() - this.#startedMs;
  }

  /** Of the running application of image 0; undefined when none runs. */
  get version(): string | undefined {
    if (this.#state !== "application") return undefined;
    const slot = this.store.activeSlot(0);
    return this.store.list().find((entry) => entry.image === 0 && entry.slot === slot)?.version;
  }

  /** @throws SMP_LINK_OPEN while the device is off, closed or rebooting */
  connect(listener: DeviceListener): DeviceConnection {
    if (!this.#queue) {
      throw new SmpError("SMP_LINK_OPEN", `cannot connect to the virtual device ${this.name}: it is ${this.#state}`, {
        device: this.name,
      });
    }
    const connection = new OpenConnection(listener, {
      receive: (packet, from) => this.#receive(packet, from),
      onClose: (closed) => this.#connections.delete(closed),
    });
    this.#connections.add(connection);
    return connection;
  }

  /** As a crash, a watchdog or a short power failure does; power that fails in the midst of a boot is a boot fault. */
  reboot(reason = "it reboots"): void {
    if (this.#state === "off") return;
    this.#goDown("booting", reason);
    this.#start(RESET_INTO.APPLICATION);
  }

  powerOff(): void {
    this.#goDown("off", "its power was cut");
  }

  /** Starts a device that is off. */
  powerOn(): void {
    if (this.#state === "off") this.#start(RESET_INTO.APPLICATION);
  }

  /** Off and on again at once. */
  powerCut(): void {
    this.powerOff();
    this.powerOn();
  }

  /** Ends the device: all timers, all connections. Idempotent. */
  close(): void {
    this.#goDown("closed", "it was closed");
  }

  #makeHost(options: VirtualDeviceOptions): Host {
    return {
      name: this.name,
      store: this.store,
      profile: this.profile,
      pace: this.pace,
      hooks: options.hooks ?? {},
      bootloaderMode: BOOT_MODE_NUMBER[options.mode ?? "swap-move"],
      noDowngrade: options.downgradePrevention !== undefined,
      slotAddresses: options.slotAddresses,
      uptimeMs: () => this.uptimeMs,
      resetSoon: (bootMode) => this.#resetSoon(bootMode),
      log: this.#log,
    };
  }

  #receive(packet: Uint8Array, from: OpenConnection): void {
    const exchange = this.faults.meet(packet, {
      reboot: (reason) => this.reboot(reason),
      inject: (frame) => void [...(this.#server?.answer(frame, {}) ?? [])],
    });
    if (exchange.isLost) return;
    this.#queue?.accept({
      bytes: packet,
      options: { refuse: exchange.refusal },
      deliver: (frame) => {
        if (exchange.delayMs === 0) from.answer(exchange, frame);
        else this.#timers.run(exchange.delayMs, () => from.answer(exchange, frame));
      },
    });
  }

  #resetSoon(bootMode: number): void {
    if (this.#resetIsDue) return;
    this.#resetIsDue = true;
    this.#timers.run(this.pace.resetDelayMs, () => {
      this.#goDown("booting", "it reboots");
      this.#start(bootMode);
    });
  }

  #goDown(next: DeviceState, reason: string): void {
    if (this.#state === "closed") return;
    this.#state = next;
    this.#timers.stop();
    this.#queue?.stop();
    this.#queue = undefined;
    this.#server = undefined;
    this.#resetIsDue = false;
    const lost = [...this.#connections];
    this.#connections.clear();
    for (const connection of lost) connection.lose(`the virtual device ${this.name} is gone: ${reason}`);
  }

  #start(bootMode: number): void {
    if (this.#state === "closed") return;
    this.#boots += 1;
    const plan = this.faults.meetBoot(new BootPlan(this.#boots));
    this.#state = plan.isOff ? "off" : "booting";
    if (plan.isOff) return;
    if (bootMode === RESET_INTO.BOOTLOADER && this.profile.recovery) {
      this.#timers.run(this.pace.bootMs, () => this.#run("recovery"));
      return;
    }
    const reports = plan.run(this.store);
    const runs = reports.at(-1)?.running ?? true;
    this.#log(`boot: ${reports.map((report) => report.actions.join(", ")).join("; ") || "no bootloader"}`);
    this.#timers.run(bootMs(reports, this.pace), () => this.#run(runs ? "application" : "recovery"));
  }

  #run(what: "application" | "recovery"): void {
    this.#startedMs = nowMs();
    this.#server = what === "application" ? this.#application() : this.#recovery();
    this.#state = this.#server ? what : "off";
    this.#queue = this.#server && new RequestQueue(this.#server, this.pace);
    this.#log(this.#server ? `running ${this.version ?? what}` : "no valid image to run");
    if (this.#state === "application") this.#beginTrial();
  }

  #application(): PacketServer {
    const table = new HandlerTable();
    addOsGroup(table, this.#host);
    addImageGroup(table, this.#host);
    addStatGroup(table, this.#host);
    return new SmpServer(table, this.profile);
  }

  #recovery(): PacketServer | undefined {
    return this.profile.recovery && new RecoveryServer(this.#host, this.profile.recovery);
  }

  /** What firmware does by itself while it is not confirmed. */
  #beginTrial(): void {
    const isOnTrial = this.store.list().some((entry) => entry.active && !entry.confirmed);
    if (!isOnTrial || this.#trial === "healthy") return;
    const act = this.#trial === "crashing" ? () => this.reboot("it crashed") : () => this.#confirmItself();
    this.#timers.run(this.pace.trialMs, act, { background: true });
  }

  #confirmItself(): void {
    this.store.setState(undefined, true);
    this.#log(`${this.version} confirmed itself`);
  }
}
