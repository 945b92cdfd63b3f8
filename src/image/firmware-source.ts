/** What all firmware sources have in common. */
import { SmpError, type SmpErrorOptions } from "../errors";

/** Where firmware lies while it is sent: in its own file, in memory as it was given, or in a temporary file. */
export type ServedFrom = "file" | "memory" | "spool";

/** Bytes at rest that can be read in pieces: a file, a Buffer, or a spooled stream. */
export interface FirmwareSource {
  /** For messages: the path, "a Buffer of 20656 bytes", … */
  readonly label: string;
  readonly sizeBytes: number;
  /** Absent when only whoever made the source knows. */
  readonly servedFrom?: ServedFrom | undefined;
  /**
   * Exactly `lengthBytes` bytes from `offBytes`. The caller must not write into them.
   * @throws SMP_FIRMWARE_SOURCE when the source became shorter, changed, cannot be read or was closed
   */
  read(offBytes: number, lengthBytes: number): Promise<Uint8Array>;
  /** Gives the file back; closing twice is harmless. */
  close(): Promise<void>;
}

/** No flash slot of a microcontroller comes near this; a larger input is a mistake. */
export const MAX_FIRMWARE_BYTES = 64 * 1024 * 1024;

/** @throws SMP_FIRMWARE_SOURCE when the range does not lie inside the source */
export function checkRange(source: FirmwareSource, offBytes: number, lengthBytes: number): void {
  if (offBytes >= 0 && lengthBytes >= 0 && offBytes + lengthBytes <= source.sizeBytes) return;
  throw sourceError(
    `cannot read ${lengthBytes} bytes from byte ${offBytes} of ${source.label}: it has ${source.sizeBytes} bytes`,
  );
}

export function sourceError(message: string, options?: SmpErrorOptions): SmpError {
  return new SmpError("SMP_FIRMWARE_SOURCE", message, options);
}

export function emptyError(label: string, hint: string): SmpError {
  return new SmpError("SMP_BAD_IMAGE", `${label} is empty: 0 bytes are no firmware image`, { hint });
}

export function tooLargeError(label: string, maxBytes: number): SmpError {
  return new SmpError("SMP_IMAGE_TOO_LARGE", `${label} is larger than the limit of ${maxBytes} bytes for firmware`, {
    limit: maxBytes,
    hint: "Check that the right file or stream was given: firmware of a microcontroller is far smaller.",
  });
}

/** The same under another name. */
export function renamed(source: FirmwareSource, label: string): FirmwareSource {
  return {
    label,
    sizeBytes: source.sizeBytes,
    servedFrom: source.servedFrom,
    read: (offBytes, lengthBytes) => source.read(offBytes, lengthBytes),
    close: () => source.close(),
  };
}
