/** Flash, MCUboot and image management of the virtual device. */
import { SmpError } from "../errors";
import { areImagesRunnable, secondaryStart, validImage } from "./boot-checks";
import { BootFlash, PowerLoss } from "./boot-flash";
import { directXipType, selectSlot } from "./direct-xip";
import { NorFlash, slotView } from "./flash";
import { completeOptions, isSwapMode, type DeviceImagesOptions, type ImageOptions } from "./image-options";
import type { BootAction, BootReport, FlashSlot, ImageStore, SlotEntry, SwapType } from "./image-store";
import { installImages } from "./install";
import { findTarget, markInPlace, RUNNING_IMAGE, writeState, type StateTarget } from "./set-state";
import { writeLegacyState } from "./set-state-legacy";
import { formatVersion, readSlotImage } from "./slot-image";
import { largestSwapBytes, type ImageAreas } from "./swap";
import { swapTypeOf } from "./swap-type";
import { bytesBelowFlags, readTrailer } from "./trailer";

export class DeviceImages implements ImageStore {
  readonly imageCount: number;
  readonly maxImageBytes: number;
  readonly stateWritable: boolean;
  readonly #options: ImageOptions;
  readonly #areas: readonly ImageAreas[];
  readonly #active: number[];

  /**
   * Programs the slots and powers the device on: the bootloader has run once.
   * @throws SMP_BAD_SETTING, SMP_IMAGE_TOO_LARGE
   */
  constructor(options: DeviceImagesOptions = {}) {
    this.#options = completeOptions(options);
    const { mode, imageCount, slotBytes, pageBytes } = this.#options;
    const scratch = new NorFlash(pageBytes, pageBytes);
    const areas = Array.from({ length: imageCount }, (_, image) => ({
      image,
      primary: new NorFlash(slotBytes, pageBytes),
      secondary: new NorFlash(slotBytes, pageBytes),
      scratch,
    }));
    this.#areas = areas;
    this.#active = areas.map(() => 0);
    this.imageCount = imageCount;
    this.maxImageBytes = isSwapMode(mode)
      ? largestSwapBytes(mode, areas[0]!.primary)
      : bytesBelowFlags(areas[0]!.primary);
    this.stateWritable = mode !== "direct-xip";
    this.#program();
    this.boot();
  }

  slot(image: number, slot: number): FlashSlot {
    const flash = this.#flash(image, slot);
    const startBytes = slot === 1 ? secondaryStart(this.#options, flash, "none") : 0;
    return slotView(flash, { image, slot, startBytes });
  }

  /** Every byte of a slot's flash, hidden pages and trailer included. */
  snapshot(image: number, slot: number): Uint8Array {
    const flash = this.#flash(image, slot);
    return flash.read(0, flash.sizeBytes);
  }

  activeSlot(image: number): number {
    return this.#active[image]!;
  }

  swapType(image: number): SwapType {
    const { mode } = this.#options;
    const active = this.#flash(image, this.activeSlot(image));
    const other = this.#flash(image, 1 - this.activeSlot(image));
    if (this.#isDirectXip) return directXipType(this.#options, active, other);
    return swapTypeOf(mode, readTrailer(active), readTrailer(other));
  }

  list(): SlotEntry[] {
    return this.#everySlot().flatMap((place) => this.#entry(place) ?? []);
  }

  isValid(image: number, slot: number): boolean {
    return validImage(this.#options, this.#flash(image, slot), this.#startBytes(image, slot)) !== undefined;
  }

  setState(hash: Uint8Array | undefined, confirm: boolean): void {
    if (!this.stateWritable) throw new SmpError("SMP_INTERNAL", "a state was written to a device in direct-XIP mode");
    const slots = {
      running: () => this.#target({ image: RUNNING_IMAGE, slot: this.activeSlot(RUNNING_IMAGE) }),
      withHash: (wanted: Uint8Array) => {
        const found = this.list().find((entry) => Buffer.compare(entry.hash, wanted) === 0);
        return found && this.#target(found);
      },
    };
    const find = (): StateTarget => findTarget(this.#options, slots, { hash, confirm });
    if (this.#options.legacyState) writeLegacyState(find, confirm);
    else writeState(this.#options, find(), confirm);
  }

  inUse(image: number, slot: number): boolean {
    if (slot === this.activeSlot(image)) return true;
    if (this.#options.mode === "direct-xip") return false;
    const type = this.swapType(image);
    return type === "revert" || (type !== "none" && !this.#options.allowErasePending);
  }

  boot(options: { cutAfterSteps?: number } = {}): BootReport {
    const flash = new BootFlash(options.cutAfterSteps);
    const result = this.#runBootloader(flash);
    const { steps, erasedPages, writtenBytes } = flash;
    return { ...result, steps, erasedPages, writtenBytes };
  }

  #runBootloader(flash: BootFlash): Pick<BootReport, "completed" | "running" | "actions"> {
    try {
      if (this.#isDirectXip) return { completed: true, ...this.#selectSlots(flash) };
      const actions = installImages(this.#options, this.#areas, flash);
      const primaries = this.#areas.map(({ primary }) => primary);
      return { completed: true, running: areImagesRunnable(this.#options, primaries), actions };
    } catch (thrown) {
      if (!(thrown instanceof PowerLoss)) throw thrown;
      return { completed: false, running: false, actions: this.#areas.map(() => "none") };
    }
  }

  #selectSlots(flash: BootFlash): Pick<BootReport, "running" | "actions"> {
    const selected = this.#areas.map(({ primary, secondary }) =>
      selectSlot(this.#options, [primary, secondary], flash),
    );
    for (const [image, slot] of selected.entries()) this.#active[image] = slot ?? 0;
    return {
      running: selected[RUNNING_IMAGE] !== undefined,
      actions: selected.map((slot): BootAction => (slot === undefined ? "none" : "selected")),
    };
  }

  /** Writes the contents as a programmer does; direct-XIP with revert runs nothing that is not marked as confirmed. */
  #program(): void {
    for (const { image = 0, slot, bytes } of this.#options.contents) {
      this.slot(image, slot).write(0, bytes);
      const flash = this.#flash(image, slot);
      const isUnmarked = slot === 0 && readTrailer(flash).magic === "unset";
      if (this.#options.mode === "direct-xip-revert" && isUnmarked) markInPlace(flash, true);
    }
  }

  get #isDirectXip(): boolean {
    return this.#options.mode === "direct-xip" || this.#options.mode === "direct-xip-revert";
  }

  #flash(image: number, slot: number): NorFlash {
    const areas = this.#areas[image]!;
    return slot === 0 ? areas.primary : areas.secondary;
  }

  #startBytes(image: number, slot: number): number {
    return slot === 1 ? secondaryStart(this.#options, this.#flash(image, 1), this.swapType(image)) : 0;
  }

  #everySlot(): Place[] {
    return this.#areas.flatMap(({ image }) => [0, 1].map((slot) => ({ image, slot })));
  }

  #entry(place: Place): SlotEntry | undefined {
    const { image, slot } = place;
    const found = readSlotImage(this.#flash(image, slot), this.#startBytes(image, slot), this.#options.hashBytes);
    if (!found) return undefined;
    const isActive = slot === this.activeSlot(image);
    return {
      image,
      slot,
      version: formatVersion(found.version),
      hash: found.hash,
      bootable: found.bootable,
      ...(isActive ? activeFlags(this.swapType(image)) : otherFlags(this.swapType(image))),
    };
  }

  #target({ image, slot }: Place): StateTarget {
    const isActive = slot === this.activeSlot(image);
    return { image, isActive, type: this.swapType(image), flash: this.#flash(image, slot) };
  }
}

interface Place {
  readonly image: number;
  readonly slot: number;
}

type Flags = Pick<SlotEntry, "pending" | "confirmed" | "active" | "permanent">;

function activeFlags(type: SwapType): Flags {
  return { pending: false, confirmed: type !== "revert", active: true, permanent: false };
}

function otherFlags(type: SwapType): Flags {
  return {
    pending: type === "test" || type === "permanent",
    confirmed: type === "revert",
    active: false,
    permanent: type === "permanent",
  };
}
