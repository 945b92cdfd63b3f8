import { inspectFirmware } from "../../src/image/inspect";
import { openFirmware } from "../../src/image/source";
import type { UpdatePart } from "../../src/update/run-types";

/** Files as the parts of an update, the first for image 0. */
export async function partsOf(...files: Uint8Array[]): Promise<UpdatePart[]> {
  return Promise.all(
    files.map(async (file, image) => {
      const source = await openFirmware(file);
      return { image, source, info: await inspectFirmware(source) };
    }),
  );
}
