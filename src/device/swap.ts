/**
 * The swap of two slots (bootutil's swap_move.c, swap_scratch.c, swap_offset.c). All that it must remember over a
 * power failure is in the trailers: first the secondary's (what is wanted), from `start` on the primary's (what is
 * going on, and how far).
 */
import type { FlashWriter, NorFlash } from "./flash";
import type { SwapMode } from "./image-options";
import type { SwapType } from "./image-store";
import { planSwap, type PageCopy, type PagePlace } from "./swap-plan";
import { readProgress, readTrailer, trailerPages, TrailerWriter } from "./trailer";

/** MCUboot copies through a buffer of this size. */
const COPY_BYTES = 1024;

/** The flash of one image; the scratch page is shared by all. */
export interface ImageAreas {
  readonly image: number;
  readonly primary: NorFlash;
  readonly secondary: NorFlash;
  readonly scratch: NorFlash;
}

/**
 * Bytes of the largest image that can be swapped: the slot less the trailer's pages and, but with a scratch page,
 * the page that makes room. (MCUboot with scratch lets an image share a page with the trailer; this device does not.)
 */
export function largestSwapBytes(mode: SwapMode, flash: NorFlash): number {
  const spare = trailerPages(flash) + (mode === "swap-scratch" ? 0 : 1);
  return (flash.pages - spare) * flash.pageBytes;
}

/** The type of a swap that power cut short, or undefined (`swap_status_source`). */
export function interruptedSwap({ primary }: ImageAreas): SwapType | undefined {
  const { magic, copyDone, swapSizeBytes, swapType } = readTrailer(primary);
  // A slot that was programmed with a padded image looks the same but for the swap size.
  return magic === "good" && copyDone === "unset" && swapSizeBytes !== undefined ? swapType : undefined;
}

/** Whether the secondary trailer was written by {@link Swap.start} to save a revert that is starting. */
export function isRevertStarting(secondary: NorFlash): boolean {
  return readTrailer(secondary).swapSizeBytes !== undefined;
}

export class Swap {
  readonly #areas: ImageAreas;
  readonly #mode: SwapMode;
  readonly #type: SwapType;
  readonly #writer: FlashWriter;
  readonly #primary: TrailerWriter;
  readonly #secondary: TrailerWriter;

  constructor(areas: ImageAreas, mode: SwapMode, type: SwapType, writer: FlashWriter) {
    this.#areas = areas;
    this.#mode = mode;
    this.#type = type;
    this.#writer = writer;
    this.#primary = new TrailerWriter(writer, areas.primary);
    this.#secondary = new TrailerWriter(writer, areas.secondary);
  }

  /** Begins a swap and carries it through. @param sizeBytes of the larger image */
  start(sizeBytes: number): void {
    const { image, secondary } = this.#areas;
    if (this.#type === "revert" && readTrailer(secondary).magic === "unset") this.#saveRevert(sizeBytes);
    this.#primary.erase();
    this.#primary.swapInfo(this.#type, image);
    this.#primary.swapSize(sizeBytes);
    this.#primary.magic();
    this.resume();
  }

  /** Goes on with a swap that has begun. */
  resume(): void {
    const { primary } = this.#areas;
    const pages = Math.ceil(readTrailer(primary).swapSizeBytes! / primary.pageBytes);
    const done = readProgress(primary);
    if (done === 0) this.#secondary.erase();
    for (const [step, pageCopy] of planSwap(this.#mode, pages, this.#type === "revert").entries()) {
      if (step < done) continue;
      this.#copy(pageCopy);
      this.#primary.progress(step);
    }
    if (this.#type !== "test" && readTrailer(primary).imageOk === "unset") this.#primary.imageOk();
    this.#primary.copyDone();
  }

  /**
   * A revert is asked for by the primary trailer alone, which the start of the swap erases. So the secondary's is made
   * to ask for the same first (`fixup_revert`): in swap-offset as a revert, else as a permanent swap.
   */
  #saveRevert(sizeBytes: number): void {
    this.#secondary.erase();
    if (this.#mode === "swap-offset") {
      this.#secondary.copyDone();
      this.#secondary.swapInfo(this.#type, this.#areas.image);
    } else {
      this.#secondary.imageOk();
    }
    this.#secondary.swapSize(sizeBytes);
    this.#secondary.magic();
  }

  #copy({ from, to }: PageCopy): void {
    const source = this.#flash(from);
    const target = this.#flash(to);
    const { pageBytes } = source;
    this.#writer.erasePage(target, to.page);
    for (let at = 0; at < pageBytes; at += COPY_BYTES) {
      const piece = source.read(from.page * pageBytes + at, Math.min(COPY_BYTES, pageBytes - at));
      this.#writer.write(target, to.page * pageBytes + at, piece);
    }
  }

  #flash({ area }: PagePlace): NorFlash {
    return this.#areas[area];
  }
}
