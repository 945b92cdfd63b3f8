/** Scans while somebody watches, and pauses while a connection is made. */
import { after } from "../../clock";
import { answered } from "./answered";
import type { Driver, Peripheral } from "./noble";

const ANSWER_MS = 3_000;
/** Something else on this machine stopped our scan; not at once, or the two of us fight. */
const RESTART_MS = 500;
/** noble remembers every address it ever saw, and many devices change theirs every few minutes. */
const MAX_KNOWN = 500;

export interface Watcher {
  seen(peripheral: Peripheral): void;
  /** The adapter does not scan. */
  failed(error: unknown): void;
}

export class Scanner {
  readonly #driver: Driver;
  readonly #lost: AbortSignal;
  readonly #watchers = new Set<Watcher>();
  /** In the order in which they were seen last. */
  readonly #known = new Map<string, Peripheral>();
  #pauses = 0;
  #isScanning = false;
  #settled: Promise<void> = Promise.resolve();

  /** @param lost aborts with the adapter's loss */
  constructor(driver: Driver, lost: AbortSignal) {
    this.#driver = driver;
    this.#lost = lost;
    driver.noble.on("discover", (peripheral: Peripheral) => this.#see(peripheral));
    driver.noble.on("scanStop", () => this.#noticeStop());
  }

  /** @returns what ends the watch */
  watch(watcher: Watcher): () => void {
    this.#watchers.add(watcher);
    void this.#settle();
    return () => {
      this.#watchers.delete(watcher);
      void this.#settle();
    };
  }

  /** Resolves once the radio is quiet, with what lets the scan go on. */
  async pause(): Promise<() => void> {
    this.#pauses++;
    await this.#settle();
    return () => {
      this.#pauses--;
      void this.#settle();
    };
  }

  #see(peripheral: Peripheral): void {
    this.#known.delete(peripheral.id);
    this.#known.set(peripheral.id, peripheral);
    for (const watcher of this.#watchers) watcher.seen(peripheral);
    this.#forgetOldest();
  }

  #forgetOldest(): void {
    for (const [id, { state }] of this.#known) {
      if (this.#known.size <= MAX_KNOWN) return;
      this.#known.delete(id);
      if (state !== "connected" && state !== "connecting") this.#driver.forget(id);
    }
  }

  #settle(): Promise<void> {
    return (this.#settled = this.#settled.then(() => this.#adjust()));
  }

  async #adjust(): Promise<void> {
    try {
      while (!this.#lost.aborted && this.#isScanning !== this.#isWanted()) {
        if (this.#isScanning) await this.#stop();
        else await this.#start();
      }
    } catch (error) {
      for (const watcher of this.#watchers) watcher.failed(error);
    }
  }

  #isWanted(): boolean {
    return this.#watchers.size > 0 && this.#pauses === 0;
  }

  async #start(): Promise<void> {
    const { noble } = this.#driver;
    const what = "the adapter's answer to the start of a scan";
    await answered(noble, "scanStart", { what, withinMs: ANSWER_MS, signal: this.#lost }, () =>
      noble.startScanning([], true),
    );
    this.#isScanning = true;
  }

  async #stop(): Promise<void> {
    const { noble } = this.#driver;
    const what = "the adapter's answer to the end of a scan";
    this.#isScanning = false;
    await answered(noble, "scanStop", { what, withinMs: ANSWER_MS, signal: this.#lost }, () => noble.stopScanning());
  }

  #noticeStop(): void {
    if (!this.#isScanning) return;
    this.#isScanning = false;
    after(RESTART_MS, () => void this.#settle(), { background: true });
  }
}
