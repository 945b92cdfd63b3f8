/** What happens between a reset and the first request that is served, in the hands of faults. */
import type { BootReport, ImageStore } from "./image-store";
import { type Pace, transferMs } from "./pace";

export class BootPlan {
  /** Counts the boots since the device was made, from 1. */
  readonly number: number;
  #staysOff = false;
  #skipsBootloader = false;
  #crashesAtStart = false;
  #cutsAfterSteps: number[] = [];

  constructor(number: number) {
    this.number = number;
  }

  get isOff(): boolean {
    return this.#staysOff;
  }

  /** The device does not come back. */
  stayOff(): void {
    this.#staysOff = true;
  }

  /** The application starts again without MCUboot having looked at the slots: nothing is swapped, it stays pending. */
  skipBootloader(): void {
    this.#skipsBootloader = true;
  }

  /** What MCUboot starts crashes at once, and MCUboot runs a second time: a trial is over before anyone sees it. */
  crashAtStart(): void {
    this.#crashesAtStart = true;
  }

  /** Power fails after so many flash operations of MCUboot and comes back; each more number is one more failure. */
  cutPower(...afterSteps: readonly number[]): void {
    this.#cutsAfterSteps = [...afterSteps];
  }

  /** Runs the bootloader until it is done; one report for each time. */
  run(store: ImageStore): readonly BootReport[] {
    if (this.#skipsBootloader) return [];
    const cuts = this.#cutsAfterSteps;
    const reports: BootReport[] = [];
    do {
      const cut = cuts[reports.length];
      reports.push(cut === undefined ? store.boot() : store.boot({ cutAfterSteps: cut }));
    } while (!reports.at(-1)!.completed);
    if (this.#crashesAtStart) reports.push(store.boot());
    return reports;
  }
}

/** How long a boot takes. */
export function bootMs(reports: readonly BootReport[], pace: Pace): number {
  const erasedPages = reports.reduce((sum, report) => sum + report.erasedPages, 0);
  const writtenBytes = reports.reduce((sum, report) => sum + report.writtenBytes, 0);
  return pace.bootMs + erasedPages * pace.erasePageMs + transferMs(writtenBytes, pace.writeBytesPerSecond);
}
