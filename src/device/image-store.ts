/**
 * What the SMP server of the virtual device sees of flash and MCUboot: a contract between the two halves.
 * It follows protocol facts of Zephyr's img_mgmt and MCUboot's bootutil; see the implementing files.
 */

/** What the store refuses a request with: a code of the image group (IMG_MGMT_ERR_*). */
export class ImageRefusal extends Error {
  override readonly name = "ImageRefusal";
  readonly rc: number;
  /** Servers up to Zephyr 3.3 answer SMP-level codes (MGMT_ERR_*): `rc` is one then, and goes out untranslated. */
  readonly smpLevel: boolean;

  constructor(rc: number, smpLevel = false) {
    super(`${smpLevel ? "SMP" : "image group"} code ${rc}`);
    this.rc = rc;
    this.smpLevel = smpLevel;
  }
}

/** One slot's flash: erased bytes read 0xFF. */
export interface FlashSlot {
  readonly image: number;
  readonly slot: number;
  readonly sizeBytes: number;
  readonly pageBytes: number;
  read(offBytes: number, lengthBytes: number): Uint8Array;
  /** Writing without an erase before can only clear bits, as in NOR flash. */
  write(offBytes: number, data: Uint8Array): void;
  /** Erases whole pages that hold the range; returns how many pages were not blank before. */
  erase(offBytes: number, lengthBytes: number): number;
  isBlank(): boolean;
}

export interface SlotEntry {
  readonly image: number;
  readonly slot: number;
  /** "1.2.3" or "1.2.3.4". */
  readonly version: string;
  readonly hash: Uint8Array;
  readonly bootable: boolean;
  readonly pending: boolean;
  readonly confirmed: boolean;
  readonly active: boolean;
  readonly permanent: boolean;
}

export type SwapType = "none" | "test" | "permanent" | "revert";

/**
 * What MCUboot did with an image. `refused`: the new image is not valid, or a downgrade, and was erased;
 * `cannot-swap`: it does not fit, or a dependency is not met, and stays pending; `selected`: direct-XIP chose a slot.
 */
export type BootAction = "none" | "swapped" | "reverted" | "overwritten" | "refused" | "cannot-swap" | "selected";

export interface BootReport {
  /** False when the boot was cut by a power failure and has to run again. */
  readonly completed: boolean;
  /** False when there is no valid image to run (MCUboot stops there) or the boot was cut: no application, no SMP. */
  readonly running: boolean;
  /** Per image: what MCUboot did; "none" for each when the boot was cut. */
  readonly actions: readonly BootAction[];
  /** Flash operations (a page erased, a piece written) that were done: what `cutAfterSteps` counts. */
  readonly steps: number;
  /** Pages erased and bytes written, for the time that it takes. */
  readonly erasedPages: number;
  readonly writtenBytes: number;
}

export interface ImageStore {
  readonly imageCount: number;
  /** Largest file that can be swapped or run, in bytes. */
  readonly maxImageBytes: number;
  /** False in direct-XIP without revert: the server has no state write command (rc 8), and `setState` must not be called. */
  readonly stateWritable: boolean;
  /** The slot as the application's flash driver sees it: an uploaded file starts at offset 0 in every mode. */
  slot(image: number, slot: number): FlashSlot;
  /** The slot that runs for an image. */
  activeSlot(image: number): number;
  swapType(image: number): SwapType;
  /** Slots with a readable header, TLVs and hash, with the flags derived from trailers; lower slot first. */
  list(): SlotEntry[];
  /** Whether MCUboot would accept the image in the slot; its serial recovery lists no others. */
  isValid(image: number, slot: number): boolean;
  /** Slot state write: test (`confirm` false) or confirm. Throws {@link ImageRefusal}. */
  setState(hash: Uint8Array | undefined, confirm: boolean): void;
  /** Whether an upload or erase must keep off the slot. */
  inUse(image: number, slot: number): boolean;
  /**
   * Runs the bootloader. `cutAfterSteps` removes power after so many flash operations; a later boot goes on.
   */
  boot(options?: { cutAfterSteps?: number }): BootReport;
}
