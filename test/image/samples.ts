import { join } from "node:path";
import { openBytes } from "../../src/image/open-bytes";
import { inspectFirmware, type FirmwareInfo } from "../../src/image/inspect";

export const IMAGES = join(__dirname, "../images");

/** 136 bytes, version 1.2.3+4, 64 bytes of payload, hash only; made by hand after MCUboot's image.h. */
export const SAMPLE_A = fromHex(`
  3D B8 F3 96 00 00 00 00 20 00 00 00 40 00 00 00 00 00 00 00 01 02 03 00 04 00 00 00 00 00 00 00
  00 01 02 03 04 05 06 07 08 09 0A 0B 0C 0D 0E 0F 10 11 12 13 14 15 16 17 18 19 1A 1B 1C 1D 1E 1F
  20 21 22 23 24 25 26 27 28 29 2A 2B 2C 2D 2E 2F 30 31 32 33 34 35 36 37 38 39 3A 3B 3C 3D 3E 3F
  07 69 28 00 10 00 20 00 FE 96 BB E6 D7 4E D7 C8 09 AA 78 E2 A6 05 D5 C4 CC A3 39 69 88 5B FC C9
  AC 10 D7 C5 2D F5 E0 0D`);

/** 100 bytes, version 2.0.0, security counter 7 as protected TLV. */
export const SAMPLE_B = fromHex(`
  3D B8 F3 96 00 00 00 00 20 00 0C 00 10 00 00 00 00 00 00 00 02 00 00 00 00 00 00 00 00 00 00 00
  55 55 55 55 55 55 55 55 55 55 55 55 55 55 55 55 08 69 0C 00 50 00 04 00 07 00 00 00 07 69 28 00
  10 00 20 00 54 60 96 23 18 C0 C1 67 24 BB BF 12 2C FC 26 6D B9 DC B2 44 DB 34 01 D5 79 AD F2 31
  6F F3 BB F4`);

/** The last 40 bytes of a confirmed slot with write alignment 8: swap_info, copy_done unset, image_ok set, magic. */
export const CONFIRMED_TRAILER = fromHex(`
  03 FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF 01 FF FF FF FF FF FF FF
  77 C2 95 F3 60 D2 EF 7F 35 52 50 0F 2C B6 79 80`);

export async function inspect(input: unknown): Promise<FirmwareInfo> {
  const source = await openBytes(input);
  try {
    return await inspectFirmware(source);
  } finally {
    await source.close();
  }
}

export function fromHex(text: string): Buffer {
  return Buffer.from(text.replace(/\s/g, ""), "hex");
}
