/** Errors that several readers of an image share. */
import { SmpError } from "../errors";

/** What stands at byte `off` of the file cannot be in an image. */
export function malformedError(label: string, off: number, why: string): SmpError {
  return new SmpError("SMP_BAD_IMAGE", `${label} is malformed at byte ${off}: ${why}`, {
    off,
    hint: "Copy the file again as binary; if that does not help, sign it again with imgtool.",
  });
}
