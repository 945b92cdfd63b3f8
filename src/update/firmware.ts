/** How an update names the image that it is about. */
import { SmpError } from "../errors";
import type { FirmwareInfo } from "../image/inspect";
import type { Firmware } from "./types";

/** What `msg.smp.firmware` holds. */
export function describeFirmware(info: FirmwareInfo, image: number): Firmware {
  return {
    label: info.label,
    version: info.versionText,
    hash: info.hash,
    fileSha256: info.fileSha256,
    sizeBytes: info.sizeBytes,
    image,
    ...(info.installedHash !== undefined && { installedHash: info.installedHash }),
  };
}

/** SHA-256, SHA-384 or SHA-512 in hex. */
const HASH_FORM = /^(?:[0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128})$/;

/**
 * A hash that was given from outside, in lower case.
 * @throws SMP_BAD_INPUT when it is not the hex form of an image hash
 */
export function checkHash(hash: unknown): string {
  const text = typeof hash === "string" ? hash.trim().toLowerCase() : "";
  if (HASH_FORM.test(text)) return text;
  const given = typeof hash === "string" ? `text of ${hash.length} characters` : `a ${typeof hash}`;
  throw new SmpError("SMP_BAD_INPUT", `the image hash must be 64, 96 or 128 hex digits; it is ${given}`, {
    field: "hash",
    hint: "Use the hash that the image state shows, e.g. msg.smp.firmware.hash.",
  });
}

/** Zephyr builds have a few images at most; the protocol has no limit of its own. */
export const MAX_IMAGE_NUMBER = 15;

/** @throws SMP_BAD_INPUT when it is no image number */
export function checkImageNumber(image: unknown): number {
  if (typeof image === "number" && Number.isInteger(image) && image >= 0 && image <= MAX_IMAGE_NUMBER) return image;
  throw new SmpError(
    "SMP_BAD_INPUT",
    `the image number must be a whole number from 0 to ${MAX_IMAGE_NUMBER}; it is ${String(image)}`,
    {
      field: "image",
    },
  );
}
