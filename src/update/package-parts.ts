/** The parts of an update from a firmware package. */
import type { FirmwarePackage, FirmwarePart } from "../image/package";
import type { SignatureCheck } from "../image/signature";
import { choosePart, imagesIn } from "./choose-part";
import type { PartsFor } from "./run-types";

/** What is known of the parts beside the package. */
export interface PackagePartsOptions {
  /** Number of the image that a file is for which does not say so itself. */
  readonly image?: number | undefined;
  /** What `verifySignature` says of a part; nothing is demanded of one that is not in it. */
  readonly signatures?: ReadonlyMap<FirmwarePart, SignatureCheck> | undefined;
}

/** @returns a function that throws as {@link choosePart} */
export function packageParts(pack: FirmwarePackage, { image = 0, signatures }: PackagePartsOptions = {}): PartsFor {
  const numbers = imagesIn(pack, image);
  return (images) =>
    numbers.map((number) => {
      const part = choosePart(pack, { image: number, images });
      const signature = signatures?.get(part);
      return { image: number, source: part.source, info: part.info, ...(signature && { signature }) };
    });
}
