/**
 * Every failure of this package is an {@link SmpError} with a code of the closed table {@link ERRORS}.
 * Callers switch on `code`, never on the message.
 */

interface ErrorKind {
  /** Whether the same request may succeed when it is simply sent again later. */
  readonly retryable: boolean;
  /** What the user can do about it, unless the place that throws knows better. */
  readonly hint: string;
}

/** The closed set of codes; the README's table of errors is this table. */
export const ERRORS = {
  SMP_BAD_SETTING: { retryable: false, hint: "Correct the setting that the message names." },
  SMP_BAD_INPUT: { retryable: false, hint: "Correct the message property that the message names." },
  SMP_NO_POOL: { retryable: false, hint: "Choose an enabled SMP pool in the connect node and deploy." },
  SMP_NO_SESSION: { retryable: false, hint: "Send the message through a connect node first; it adds msg.smp." },
  SMP_UNKNOWN_DEVICE: { retryable: false, hint: "Check the device's name or address against the pool's settings." },
  SMP_POOL_FULL: { retryable: true, hint: "Wait until another device is done, or raise the pool's limit of sessions." },
  SMP_BUSY: { retryable: true, hint: "Wait until the running operation on this device has ended, or abort it." },
  SMP_QUEUE_FULL: { retryable: true, hint: "Send fewer messages to this device at once." },
  SMP_LINK_OPEN: { retryable: true, hint: "Check that the device is powered, in reach and free of other clients." },
  SMP_LINK_LOST: { retryable: true, hint: "Check power and distance; an interrupted upload goes on where it stopped." },
  SMP_UNREACHABLE: {
    retryable: true,
    hint: "See at the far end of the flow why it cannot reach the device: its power, distance, or network.",
  },
  SMP_TIMEOUT: { retryable: true, hint: "Check that the device runs an SMP server and that the link is stable." },
  SMP_BAD_FRAME: { retryable: true, hint: "The link garbles data, or the peer does not speak SMP." },
  SMP_BAD_RESPONSE: {
    retryable: false,
    hint: "The device's SMP server does not answer as Zephyr does; see its firmware.",
  },
  SMP_FRAME_TOO_LARGE: { retryable: false, hint: "Raise the server's buffer size or the link's MTU." },
  SMP_NOT_ALLOWED: {
    retryable: false,
    hint: "Add the command to the gateway's list, if those who steer from afar may use it.",
  },
  SMP_DEVICE: { retryable: false, hint: "The device refused the request; the message says why." },
  SMP_FIRMWARE_SOURCE: { retryable: false, hint: "Give a readable file, a Buffer or a stream as firmware." },
  SMP_BAD_IMAGE: { retryable: false, hint: "Use the signed image of the build, zephyr.signed.bin." },
  SMP_WRONG_FILE: { retryable: false, hint: "Get the file anew, or correct the SHA-256 that is expected." },
  SMP_BAD_SIGNATURE: {
    retryable: false,
    hint: "Sign the image with a key whose public half the pool has, or add that public key to the pool.",
  },
  SMP_NOT_NEWER: { retryable: false, hint: "Give a newer firmware, or allow older ones where the bootloader does." },
  SMP_DEPENDENCY: { retryable: false, hint: "Update the image that it depends on first, or together with it." },
  SMP_IMAGE_TOO_LARGE: { retryable: false, hint: "Build a smaller image, or enlarge the device's slots." },
  SMP_TRIAL_RUNNING: {
    retryable: false,
    hint: "Confirm the running image, or reset the device to revert it, then upload.",
  },
  SMP_IMAGE_PENDING: {
    retryable: false,
    hint: "Reset the device to let the bootloader install the pending image first.",
  },
  SMP_IN_RECOVERY: {
    retryable: false,
    hint: "Reset the device to start its application and upload there, or allow uploads in recovery.",
  },
  SMP_NO_TRIAL: {
    retryable: false,
    hint: "Update without trial and gate (policy confirm), if there may be no way back.",
  },
  SMP_UPLOAD_OFFSET: { retryable: true, hint: "Make sure that no other client uploads to this device." },
  SMP_UPLOAD_FAILED: {
    retryable: true,
    hint: "Upload again; if it happens again, the link or the device's flash is bad.",
  },
  SMP_NOT_IN_SLOT: { retryable: false, hint: "Upload the image first." },
  SMP_STATE_UNCHANGED: {
    retryable: false,
    hint: "Read the image state; the device's build may not support this step.",
  },
  SMP_WRONG_IMAGE: { retryable: false, hint: "Only the image that was asked for is confirmed; see the verdict." },
  SMP_REVERTED: { retryable: false, hint: "The new image did not confirm itself or crashed; see the device's log." },
  SMP_REJECTED_BY_BOOTLOADER: {
    retryable: false,
    hint: "Check the signing key, the version (downgrade prevention) and the dependencies of the image. If it was not sent but lay in its slot already, it was perhaps not whole: update again.",
  },
  SMP_NOT_SWAPPED: {
    retryable: false,
    hint: "The device did not reset, or its slots cannot be swapped (image too large for the swap's trailer).",
  },
  SMP_UNREACHABLE_AFTER_RESET: {
    retryable: true,
    hint: "The device may still be swapping: wait and read the image state. Nothing was confirmed.",
  },
  SMP_ABORTED: { retryable: true, hint: "It was stopped on purpose; an upload goes on where it stopped." },
  SMP_CLOSED: { retryable: true, hint: "The flow was redeployed or stopped; send the message again." },
  SMP_INTERNAL: { retryable: false, hint: "This is a fault of the package; please report it with the stack." },
} as const satisfies Record<string, ErrorKind>;

/** A key of {@link ERRORS}. */
export type SmpErrorCode = keyof typeof ERRORS;

/** Facts about a failure, for programs. All are optional; sizes and offsets are in bytes. */
export interface SmpErrorDetails {
  device?: string;
  /** What was being done, e.g. "upload", "reset". */
  phase?: string;
  /** The setting or property at fault. */
  field?: string;
  group?: number;
  rc?: number;
  rcName?: string;
  /** What the device added in words (`rsn`). */
  reason?: string;
  off?: number;
  expectedOff?: number;
  frameLength?: number;
  limit?: number;
  timeoutMs?: number;
  verdict?: string;
}

/** What is absent follows from the code; `cause` is what lies beneath. */
export interface SmpErrorOptions extends SmpErrorDetails {
  cause?: unknown;
  hint?: string;
  retryable?: boolean;
}

/** The error shape that travels in `msg.smp.error`. */
export type SmpErrorReport = {
  code: SmpErrorCode;
  message: string;
  hint: string;
  retryable: boolean;
} & SmpErrorDetails;

/** A failure of this package: what was attempted, where and what happened in `message`, what to do about it in `hint`. */
export class SmpError extends Error {
  override readonly name: string = "SmpError";
  readonly code: SmpErrorCode;
  readonly hint: string;
  readonly retryable: boolean;
  readonly details: SmpErrorDetails;

  constructor(code: SmpErrorCode, message: string, options: SmpErrorOptions = {}) {
    const { cause, hint, retryable, ...details } = options;
    super(withoutLogin(message), cause === undefined ? undefined : { cause });
    this.code = code;
    this.hint = hint ?? ERRORS[code].hint;
    this.retryable = retryable ?? ERRORS[code].retryable;
    this.details = details;
  }

  /** The same failure with facts that a caller further out knows (device, phase); what is set already stays. */
  with(details: SmpErrorDetails): this {
    Object.assign(this.details, { ...details, ...this.details });
    return this;
  }

  /** Plain data for a message. */
  report(): SmpErrorReport {
    return { code: this.code, message: this.message, hint: this.hint, retryable: this.retryable, ...this.details };
  }
}

/** Users and passwords in addresses, as in `tcp://user:password@host`, are nothing to tell. */
function withoutLogin(message: string): string {
  return message.replace(/(?<=:\/\/)[^\s"'/@]+@/g, "…@");
}

/** The device answered, and the answer was a refusal: the session stays healthy. */
export class DeviceError extends SmpError {
  override readonly name: string = "DeviceError";
  declare readonly details: SmpErrorDetails & { rc: number };

  constructor(message: string, options: SmpErrorOptions & { rc: number }) {
    super("SMP_DEVICE", message, options);
  }
}

/** Whether a thrown value is a failure with this code. */
export function hasCode(thrown: unknown, code: SmpErrorCode): thrown is SmpError {
  return thrown instanceof SmpError && thrown.code === code;
}

/** Any thrown value as an {@link SmpError}; what is not one is a fault of this package. */
export function toSmpError(thrown: unknown): SmpError {
  if (thrown instanceof SmpError) return thrown;
  return new SmpError("SMP_INTERNAL", `unexpected failure: ${messageOf(thrown)}`, { cause: thrown });
}

/** What a thrown value says: an error's message, anything else as text. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
