/** What the bootloader really did with the wanted images, told by the bytes in the slots before and after each of its boots. */
import type { VirtualDevice } from "../../src/device/device";
import type { Truth } from "./truth";

/** "left": it was to be installed, and still lies where it lay. "gone": it is in neither slot any more. */
export type Deed = "installed" | "reverted" | "gone" | "left";

export class History {
  /** The last one for each image. */
  deeds: readonly Deed[] = [];
  boots = 0;
  readonly #look: () => Truth;
  readonly #onCut: (steps: number) => void;
  /** When power failed in the midst of the boot before. */
  #before: Truth | undefined;

  /** @param onCut power failed after so many flash operations of a boot */
  constructor({ store }: VirtualDevice, look: () => Truth, onCut: (steps: number) => void) {
    this.#look = look;
    this.#onCut = onCut;
    const boot = store.boot.bind(store);
    store.boot = (options) => {
      this.#before ??= this.#look();
      const report = boot(options);
      if (report.completed) this.#booted();
      else this.#onCut(report.steps);
      return report;
    };
  }

  #booted(): void {
    const [before, after] = [imagesOf(this.#before!), imagesOf(this.#look())];
    this.#before = undefined;
    this.boots++;
    this.deeds = before.map((truth, index) => deedBetween(truth, after[index]!) ?? this.deeds[index]!);
  }
}

export function imagesOf(truth: Truth): Truth[] {
  return truth.neighbour ? [truth, truth.neighbour] : [truth];
}

function deedBetween(before: Truth, after: Truth): Deed | undefined {
  if (before.running === "wanted") {
    if (after.running === "wanted") return undefined;
    return after.other === "wanted" ? "reverted" : "gone";
  }
  if (before.other !== "wanted") return undefined;
  if (after.running === "wanted") return "installed";
  if (after.other !== "wanted") return "gone";
  return before.isPending ? "left" : undefined;
}
