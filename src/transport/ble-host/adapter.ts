/** One adapter: its state, its one scan, its one connection attempt at a time. */
import { abortReason, after, raceAbort, throwIfAborted, withDeadline } from "../../clock";
import { SmpError } from "../../errors";
import { answered } from "./answered";
import { explainState } from "./explain";
import type { HostSettings } from "./messages";
import type { ConnectionParameters, Driver, LinkLayerEvent, Peripheral } from "./noble";
import { Scanner } from "./scanner";
import { Turns } from "./turns";

/** noble looks every second whether the adapter is up. */
const POWER_MS = 4_000;
const CONNECT_MS = 10_000;
/** For what may still come of a connection attempt that was given up. */
const CANCEL_MS = 500;
const DISCONNECT_MS = 2_000;

export class Adapter {
  readonly driver: Driver;
  readonly scanner: Scanner;
  /** Makes connecting exclusive: noble cancels whatever attempt is under way, not the one that is meant. */
  readonly turns = new Turns();
  readonly #settings: HostSettings;
  readonly #lost = new AbortController();
  readonly #listeners = new Map<string, (event: LinkLayerEvent) => void>();
  readonly #parameters = new Map<string, ConnectionParameters>();
  #isOn = false;
  #noticeOn: () => void = () => {};
  /** Resolves once the adapter is on. */
  readonly on = new Promise<void>((resolve) => (this.#noticeOn = resolve));

  constructor(driver: Driver, settings: HostSettings) {
    this.driver = driver;
    this.#settings = settings;
    this.scanner = new Scanner(driver, this.#lost.signal);
    driver.onLinkLayer = (id, event) => {
      if (event.type === "parameters") this.#parameters.set(id, event);
      this.#listeners.get(id)?.(event);
    };
    driver.noble.on("warning", (text: string) => this.#warned(text));
    driver.noble.on("stateChange", (state: string) => this.#changed(state));
  }

  /** Aborts, for good, when the adapter cannot be used or not any more; the reason says why. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** @throws SMP_LINK_OPEN saying why the adapter cannot be used, or the signal's reason */
  async ready(signal: AbortSignal): Promise<void> {
    throwIfAborted(this.lost);
    try {
      await withDeadline("the adapter", POWER_MS, signal, (inner) => raceAbort(this.lost, raceAbort(inner, this.on)));
    } catch (error) {
      throwIfAborted(signal);
      if (!(error instanceof SmpError) || error.code !== "SMP_TIMEOUT") throw error;
      this.#lose(explainState("unknown", this.#settings));
      throw abortReason(this.lost);
    }
  }

  /** As far as the controller tells. */
  parametersOf({ id }: Peripheral): ConnectionParameters | undefined {
    return this.#parameters.get(id);
  }

  /** What passes on the peripheral's link, until told otherwise. */
  listen(peripheral: Peripheral, listener: (event: LinkLayerEvent) => void): () => void {
    this.#listeners.set(peripheral.id, listener);
    return () => {
      this.#listeners.delete(peripheral.id);
      this.#parameters.delete(peripheral.id);
    };
  }

  /** To be called by who has the turn, while the scan pauses. @throws SMP_TIMEOUT, SMP_LINK_LOST, or the signal's reason */
  async connect(peripheral: Peripheral, signal: AbortSignal): Promise<void> {
    // Of an attempt that was given up.
    peripheral.removeAllListeners("connect");
    peripheral.mtu = null;
    const awaited = { what: "the connection", withinMs: CONNECT_MS, signal };
    try {
      const [error] = await answered(peripheral, "connect", awaited, () =>
        peripheral.connect(this.driver.connectOptions),
      );
      if (error) throw new SmpError("SMP_LINK_LOST", `the connection failed: ${String(error)}`, { cause: error });
    } catch (error) {
      if (!this.lost.aborted) await this.#giveUp(peripheral);
      throw error;
    }
  }

  /** Settles within 2 s; never throws. */
  async disconnect(peripheral: Peripheral): Promise<void> {
    // On a peripheral that is not connected noble would name a wrong handle, which may be a neighbour's.
    if (peripheral.state !== "connected" || this.lost.aborted) return;
    const awaited = { what: "the disconnection", withinMs: DISCONNECT_MS, signal: this.lost };
    await answered(peripheral, "disconnect", awaited, () => peripheral.disconnect()).catch(() => {});
  }

  async #giveUp(peripheral: Peripheral): Promise<void> {
    if (peripheral.state === "connecting" && peripheral.cancelConnect) {
      peripheral.cancelConnect();
      const awaited = { what: "the end of the attempt", withinMs: CANCEL_MS, signal: this.lost };
      await answered(peripheral, "connect", awaited, () => {}).catch(() => {});
    }
    await this.disconnect(peripheral);
    // It may connect even now; the next attempt removes this.
    peripheral.once("connect", (error: unknown) => {
      if (!error) after(0, () => void this.disconnect(peripheral));
    });
  }

  #changed(state: string): void {
    if (state === "poweredOn") {
      if (!this.#isOn) this.driver.prepare();
      this.#isOn = true;
      this.#noticeOn();
    } else if (state !== "unknown" && state !== "resetting") {
      this.#lose(explainState(state, this.#settings));
    }
  }

  #warned(text: string): void {
    if (!this.#isOn && /initialization/i.test(text)) this.#lose(explainState("unsupported", this.#settings));
  }

  #lose(reason: SmpError): void {
    this.#lost.abort(reason);
  }
}
