/** What the bootloader really did with the wanted images, told by the bytes in the slots before and after each of its boots. */
import type { VirtualDevice } from "../../src/device/device";
import type { Truth } from "./truth";

/** "left": it was to be installed, and still lies where it lay. "gone": it is in neither slot any more. */
export type Deed = "installed" | "reverted" | "gone" | "left";

/** The slots at one moment, and what the bootloader had done last. */
export interface Moment {
  readonly atMs: number;
  readonly truth: Truth;
  readonly deeds: History["deeds"];
}

interface HistoryListener {
  did(deed: Deed): void;
  /** Power failed after so many flash operations of a boot. */
  cut(steps: number): void;
}

export class History {
  /** The last one for each image. */
  deeds: readonly (Deed | undefined)[] = [];
  readonly #look: () => Truth;
  readonly #listener: HistoryListener;
  /** When power failed in the midst of the boot before. */
  #before: Truth | undefined;

  constructor({ store }: VirtualDevice, look: () => Truth, listener: HistoryListener) {
    this.#look = look;
    this.#listener = listener;
    const boot = store.boot.bind(store);
    store.boot = (options) => {
      this.#before ??= this.#look();
      const report = boot(options);
      if (report.completed) this.#booted();
      else this.#listener.cut(report.steps);
      return report;
    };
  }

  #booted(): void {
    const [before, after] = [imagesOf(this.#before!), imagesOf(this.#look())];
    this.#before = undefined;
    const deeds = before.map((truth, index) => deedBetween(truth, after[index]!));
    for (const deed of deeds) if (deed) this.#listener.did(deed);
    this.deeds = deeds.map((deed, index) => deed ?? this.deeds[index]);
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
