/** The bootloader's work in the modes that run every image from slot 0: swap and overwrite (loader.c). */
import { areDependenciesMet, isDowngrade, secondaryStart, validImage } from "./boot-checks";
import type { FlashWriter } from "./flash";
import { isSwapMode, type ImageOptions } from "./image-options";
import type { BootAction, SwapType } from "./image-store";
import { overwrite } from "./overwrite";
import { isHeaderErased, readSlotImage, type SlotImage } from "./slot-image";
import { interruptedSwap, isRevertStarting, largestSwapBytes, Swap, type ImageAreas } from "./swap";
import { swapTypeOf } from "./swap-type";
import { readTrailer, TrailerWriter } from "./trailer";

/** What was done with an image already, and what is left to do. */
interface Decision {
  readonly action: BootAction;
  type: SwapType;
}

/** Finishes what a power failure cut short, then does what the trailers ask for. */
export function installImages(
  options: ImageOptions,
  allAreas: readonly ImageAreas[],
  writer: FlashWriter,
): BootAction[] {
  const images = allAreas.map((areas) => new Installation(options, areas, writer));
  const decisions: Decision[] = [];
  for (const image of images) {
    const decision = image.prepare();
    if (isUpdate(decision)) keepUpdated(decisions);
    decisions.push(decision);
  }
  const types = decisions.map(({ type }) => type);
  const isBlocked = images.length > 1 && !areDependenciesMet(options, allAreas, types);
  return decisions.map(({ type, action }, index) => {
    if (type === "none") return action;
    return isBlocked ? "cannot-swap" : images[index]!.install(type);
  });
}

function isUpdate({ type, action }: Decision): boolean {
  return type === "test" || type === "permanent" || action === "swapped" || action === "reverted";
}

/**
 * Power failed between two images of one update: those that were swapped before only look as if their trial was over
 * (`boot_review_image_swap_types`).
 */
function keepUpdated(earlier: readonly Decision[]): void {
  for (const decision of earlier) if (decision.type === "revert") decision.type = "none";
}

class Installation {
  readonly #options: ImageOptions;
  readonly #areas: ImageAreas;
  readonly #writer: FlashWriter;

  constructor(options: ImageOptions, areas: ImageAreas, writer: FlashWriter) {
    this.#options = options;
    this.#areas = areas;
    this.#writer = writer;
  }

  prepare(): Decision {
    const { mode } = this.#options;
    const interrupted = interruptedSwap(this.#areas);
    if (isSwapMode(mode) && interrupted) {
      new Swap(this.#areas, mode, interrupted, this.#writer).resume();
      return { type: "none", action: doneAction(interrupted) };
    }
    const type = this.#wantedType();
    if (type === "none") return { type, action: "none" };
    if (this.#options.cannotSwap) return { type: "none", action: "cannot-swap" };
    if (this.#nextImage(type)) return { type, action: "none" };
    return { type: "none", action: this.#refuse(type) };
  }

  install(type: SwapType): BootAction {
    const next = this.#nextImage(type)!;
    const running = readSlotImage(this.#areas.primary, 0, this.#options.hashBytes);
    if (type !== "revert" && isDowngrade(this.#options, running, next)) return this.#refuse(type);
    const { mode } = this.#options;
    if (!isSwapMode(mode)) {
      overwrite(this.#areas, next, this.#writer);
      return "overwritten";
    }
    const sizeBytes = Math.max(next.sizeBytes, running?.sizeBytes ?? 0);
    if (sizeBytes > largestSwapBytes(mode, this.#areas.primary)) return "cannot-swap";
    new Swap(this.#areas, mode, type, this.#writer).start(sizeBytes);
    return doneAction(type);
  }

  /** What the trailers ask for; a revert that power cut short while it began is still one. */
  #wantedType(): SwapType {
    const { primary, secondary } = this.#areas;
    const type = swapTypeOf(this.#options.mode, readTrailer(primary), readTrailer(secondary));
    return type === "permanent" && isRevertStarting(secondary) ? "revert" : type;
  }

  /** The image that would run next, if it may. */
  #nextImage(type: SwapType): SlotImage | undefined {
    const { secondary } = this.#areas;
    return validImage(this.#options, secondary, secondaryStart(this.#options, secondary, type));
  }

  /**
   * Erases the secondary slot, or only its trailer when there is no image that could run, and lets the running image
   * count as confirmed.
   */
  #refuse(type: SwapType): BootAction {
    const { primary, secondary } = this.#areas;
    const startBytes = secondaryStart(this.#options, secondary, type);
    const found = readSlotImage(secondary, startBytes, this.#options.hashBytes);
    if (isHeaderErased(secondary, startBytes) || found?.bootable === false) {
      new TrailerWriter(this.#writer, secondary).erase();
    } else {
      for (let page = 0; page < secondary.pages; page++) this.#writer.erasePage(secondary, page);
    }
    const { magic, imageOk } = readTrailer(primary);
    if (magic === "good" && imageOk === "unset") new TrailerWriter(this.#writer, primary).imageOk();
    return "refused";
  }
}

function doneAction(type: SwapType): BootAction {
  return type === "revert" ? "reverted" : "swapped";
}
