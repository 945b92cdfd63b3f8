/**
 * MCUboot's trailer at the end of a slot, for a write alignment of 8 bytes (bootutil_priv.h, bootutil_misc.h).
 *
 *   … image … | swap progress, 8 bytes per step | swap size | swap info | copy done | image ok | magic (16) | end
 */
import { ERASED, type FlashWriter, type NorFlash } from "./flash";
import type { SwapType } from "./image-store";

const ALIGN = 8;
const MAGIC = Uint8Array.from([
  0x77, 0xc2, 0x95, 0xf3, 0x60, 0xd2, 0xef, 0x7f, 0x35, 0x52, 0x50, 0x0f, 0x2c, 0xb6, 0x79, 0x80,
]);
/** Bytes from the end of the slot. */
const FROM_END = { magic: 16, imageOk: 24, copyDone: 32, swapInfo: 40, swapSize: 48 } as const;
/** BOOT_STATUS_STATE_COUNT: a swap records at most three steps for each sector. */
const STEPS_PER_PAGE = 3;
const FLAG_SET = 1;
/** Swap info, lower nibble: BOOT_SWAP_TYPE_*. */
const SWAP_INFO = { none: 1, test: 2, permanent: 3, revert: 4 } as const satisfies Record<SwapType, number>;

export type TrailerMagic = "good" | "unset" | "bad";
export type TrailerFlag = "set" | "unset" | "bad";

export interface Trailer {
  readonly magic: TrailerMagic;
  readonly imageOk: TrailerFlag;
  readonly copyDone: TrailerFlag;
  readonly swapType: SwapType;
  /** Bytes that a swap in progress exchanges; undefined where none was recorded. */
  readonly swapSizeBytes: number | undefined;
}

/** Bytes of a slot's end that an image must leave free to be swapped. */
export function trailerBytes(flash: Pick<NorFlash, "pages">): number {
  return FROM_END.swapSize + STEPS_PER_PAGE * flash.pages * ALIGN;
}

export function trailerPages(flash: Pick<NorFlash, "pages" | "pageBytes">): number {
  return Math.ceil(trailerBytes(flash) / flash.pageBytes);
}

/** Bytes of a slot less what bootloaders that do not swap keep free (`bootutil_max_image_size`). */
export function bytesBelowFlags(flash: NorFlash): number {
  return flash.sizeBytes - FROM_END.swapInfo;
}

export function readTrailer(flash: NorFlash): Trailer {
  const end = flash.sizeBytes;
  const flagAt = (fromEnd: number): TrailerFlag => decodeFlag(flash.read(end - fromEnd, 1)[0]!);
  const swapInfo = flash.read(end - FROM_END.swapInfo, 1)[0]! & 0x0f;
  const swapSize = Buffer.from(flash.read(end - FROM_END.swapSize, 4)).readUInt32LE();
  return {
    magic: decodeMagic(flash.read(end - FROM_END.magic, MAGIC.length)),
    imageOk: flagAt(FROM_END.imageOk),
    copyDone: flagAt(FROM_END.copyDone),
    swapType: swapTypes.find((type) => SWAP_INFO[type] === swapInfo) ?? "none",
    swapSizeBytes: swapSize === 0xffff_ffff ? undefined : swapSize,
  };
}

const swapTypes = Object.keys(SWAP_INFO) as SwapType[];

function decodeMagic(bytes: Uint8Array): TrailerMagic {
  if (bytes.every((byte) => byte === ERASED)) return "unset";
  return Buffer.compare(bytes, MAGIC) === 0 ? "good" : "bad";
}

function decodeFlag(byte: number): TrailerFlag {
  if (byte === ERASED) return "unset";
  return byte === FLAG_SET ? "set" : "bad";
}

/** Steps of a swap that the trailer records as done. */
export function readProgress(flash: NorFlash): number {
  const startBytes = flash.sizeBytes - trailerBytes(flash);
  for (let step = STEPS_PER_PAGE * flash.pages; step > 0; step--) {
    if (flash.read(startBytes + (step - 1) * ALIGN, 1)[0] !== ERASED) return step;
  }
  return 0;
}

/** Writes single fields of a slot's trailer; each call but `erase` is one flash operation. */
export class TrailerWriter {
  readonly #writer: FlashWriter;
  readonly #flash: NorFlash;

  constructor(writer: FlashWriter, flash: NorFlash) {
    this.#writer = writer;
    this.#flash = flash;
  }

  magic(): void {
    this.#writer.write(this.#flash, this.#flash.sizeBytes - FROM_END.magic, MAGIC);
  }

  imageOk(): void {
    this.#field(FROM_END.imageOk, [FLAG_SET]);
  }

  copyDone(): void {
    this.#field(FROM_END.copyDone, [FLAG_SET]);
  }

  swapInfo(type: SwapType, image: number): void {
    this.#field(FROM_END.swapInfo, [(image << 4) | SWAP_INFO[type]]);
  }

  swapSize(sizeBytes: number): void {
    const field = Buffer.alloc(4);
    field.writeUInt32LE(sizeBytes);
    this.#field(FROM_END.swapSize, field);
  }

  /** Records that step number `step`, counted from 0, is done. */
  progress(step: number): void {
    this.#field(trailerBytes(this.#flash) - step * ALIGN, [FLAG_SET]);
  }

  /** Last page first, as MCUboot does, so that the magic goes first. */
  erase(): void {
    const { pages } = this.#flash;
    for (let page = pages - 1; page >= pages - trailerPages(this.#flash); page--) {
      this.#writer.erasePage(this.#flash, page);
    }
  }

  #field(fromEnd: number, value: ArrayLike<number>): void {
    const unit = new Uint8Array(ALIGN).fill(ERASED);
    unit.set(value);
    this.#writer.write(this.#flash, this.#flash.sizeBytes - fromEnd, unit);
  }
}
