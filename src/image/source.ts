/** Opens whatever a flow or a script gives as one image. */
import { SmpError } from "../errors";
import { renamed, type FirmwareSource } from "./firmware-source";
import { blaming, openBytes, type OpenFirmwareOptions } from "./open-bytes";
import { kindOf, listParts, packageOf, type FirmwarePackage } from "./package";

export type { FirmwareSource } from "./firmware-source";
export type { FirmwareInput, OpenFirmwareOptions } from "./open-bytes";

/**
 * Opens one image for reading in pieces: from a file, a Buffer or a stream, which may be a package with one image. What
 * is in it is not checked, unless it is a package.
 * @throws as `openBytes`; SMP_BAD_INPUT when a package has several images; else as {@link openFirmwarePackage}
 */
export async function openFirmware(input: unknown, options: OpenFirmwareOptions = {}): Promise<FirmwareSource> {
  const source = await openBytes(input, options);
  return await blaming(options, async () => {
    try {
      const kind = await kindOf(source);
      return kind === "image" ? source : await onlyPart(await packageOf(source, kind, options));
    } catch (thrown) {
      await source.close();
      throw thrown;
    }
  });
}

async function onlyPart(pack: FirmwarePackage): Promise<FirmwareSource> {
  const [{ source }, second] = pack.parts;
  if (!second) return { ...renamed(source, source.label), close: () => pack.close() };
  await pack.close();
  throw new SmpError("SMP_BAD_INPUT", `${pack.label} has several images, one is wanted: ${listParts(pack.parts)}`, {
    hint: "Open it with openFirmwarePackage, and choose.",
  });
}
