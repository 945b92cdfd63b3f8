/** Flash in the hands of the bootloader: operations are counted, and power may fail between any two. */
import type { FlashWriter, NorFlash } from "./flash";

/** Thrown through the bootloader when power fails. Never leaves the device. */
export class PowerLoss extends Error {
  override readonly name = "PowerLoss";
}

export class BootFlash implements FlashWriter {
  steps = 0;
  erasedPages = 0;
  writtenBytes = 0;
  readonly #cutAfterSteps: number;

  constructor(cutAfterSteps = Number.POSITIVE_INFINITY) {
    this.#cutAfterSteps = cutAfterSteps;
  }

  write(flash: NorFlash, offBytes: number, data: Uint8Array): void {
    this.#step();
    flash.write(offBytes, data);
    this.writtenBytes += data.length;
  }

  erasePage(flash: NorFlash, page: number): void {
    this.#step();
    flash.erasePage(page);
    this.erasedPages += 1;
  }

  #step(): void {
    if (this.steps >= this.#cutAfterSteps) throw new PowerLoss("power was cut");
    this.steps += 1;
  }
}
