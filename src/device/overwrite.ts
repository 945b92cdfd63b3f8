/**
 * Overwrite-only mode (`boot_copy_image`, MCUBOOT_OVERWRITE_ONLY_FAST). Needs no record of progress: until the copy is
 * whole the secondary slot still asks for it, and it is done again from the start.
 */
import type { FlashWriter } from "./flash";
import type { SlotImage } from "./slot-image";
import type { ImageAreas } from "./swap";
import { TrailerWriter } from "./trailer";

const WRITE_BYTES = 8;
const COPY_BYTES = 1024;

export function overwrite({ primary, secondary }: ImageAreas, image: SlotImage, writer: FlashWriter): void {
  for (let page = 0; page * primary.pageBytes < image.sizeBytes; page++) writer.erasePage(primary, page);
  new TrailerWriter(writer, primary).erase();
  const endBytes = Math.ceil(image.sizeBytes / WRITE_BYTES) * WRITE_BYTES;
  for (let at = 0; at < endBytes; at += COPY_BYTES) {
    writer.write(primary, at, secondary.read(at, Math.min(COPY_BYTES, endBytes - at)));
  }
  writer.erasePage(secondary, 0);
  writer.erasePage(secondary, secondary.pages - 1);
}
