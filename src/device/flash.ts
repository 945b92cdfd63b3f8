/** NOR flash: erased bytes read 0xFF, writing clears bits, erasing sets whole pages. */
import { SmpError } from "../errors";
import type { FlashSlot } from "./image-store";

export const ERASED = 0xff;

export class NorFlash {
  readonly sizeBytes: number;
  readonly pageBytes: number;
  readonly #bytes: Uint8Array;

  /** Blank flash of whole pages. */
  constructor(sizeBytes: number, pageBytes: number) {
    this.sizeBytes = sizeBytes;
    this.pageBytes = pageBytes;
    this.#bytes = new Uint8Array(sizeBytes).fill(ERASED);
  }

  get pages(): number {
    return this.sizeBytes / this.pageBytes;
  }

  read(offBytes: number, lengthBytes: number): Uint8Array {
    this.#within(offBytes, lengthBytes);
    return this.#bytes.slice(offBytes, offBytes + lengthBytes);
  }

  write(offBytes: number, data: Uint8Array): void {
    this.#within(offBytes, data.length);
    for (let index = 0; index < data.length; index++) this.#bytes[offBytes + index]! &= data[index]!;
  }

  /** Returns whether the page was not blank before. */
  erasePage(page: number): boolean {
    const offBytes = page * this.pageBytes;
    this.#within(offBytes, this.pageBytes);
    const wasUsed = !this.isBlank(offBytes, this.pageBytes);
    this.#bytes.fill(ERASED, offBytes, offBytes + this.pageBytes);
    return wasUsed;
  }

  isBlank(offBytes = 0, lengthBytes = this.sizeBytes - offBytes): boolean {
    this.#within(offBytes, lengthBytes);
    return this.#bytes.subarray(offBytes, offBytes + lengthBytes).every((byte) => byte === ERASED);
  }

  #within(offBytes: number, lengthBytes: number): void {
    if (offBytes >= 0 && lengthBytes >= 0 && offBytes + lengthBytes <= this.sizeBytes) return;
    throw new SmpError(
      "SMP_INTERNAL",
      `flash access at ${offBytes}, ${lengthBytes} bytes, is outside of its ${this.sizeBytes} bytes`,
    );
  }
}

/** Who writes: the application at once, or the bootloader, whose power may fail in between. */
export interface FlashWriter {
  write(flash: NorFlash, offBytes: number, data: Uint8Array): void;
  erasePage(flash: NorFlash, page: number): void;
}

export const DIRECT: FlashWriter = {
  write: (flash, offBytes, data) => flash.write(offBytes, data),
  erasePage: (flash, page) => void flash.erasePage(page),
};

/**
 * The slot as an application sees it. `startBytes` hides the first page, in which swap-offset keeps no upload
 * (Zephyr's `boot_get_image_start_offset`); erasing from offset 0 erases the hidden page too.
 */
export function slotView(
  flash: NorFlash,
  place: { readonly image: number; readonly slot: number; readonly startBytes: number },
): FlashSlot {
  const { image, slot, startBytes } = place;
  return {
    image,
    slot,
    sizeBytes: flash.sizeBytes - startBytes,
    pageBytes: flash.pageBytes,
    read: (offBytes, lengthBytes) => flash.read(startBytes + offBytes, lengthBytes),
    write: (offBytes, data) => flash.write(startBytes + offBytes, data),
    erase: (offBytes, lengthBytes) => {
      const first = offBytes === 0 ? 0 : Math.floor((startBytes + offBytes) / flash.pageBytes);
      const end = Math.ceil((startBytes + offBytes + lengthBytes) / flash.pageBytes);
      let used = 0;
      for (let page = first; page < end; page++) if (flash.erasePage(page)) used += 1;
      return used;
    },
    isBlank: () => flash.isBlank(),
  };
}
