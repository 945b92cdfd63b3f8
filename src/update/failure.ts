/** What an error in an upload means for it. */
import { DeviceError, SmpError, type SmpErrorCode } from "../errors";
import { GROUP } from "../smp/command";
import { IMAGE_RC, isBusy, SMP_RC } from "../smp/codes";
import type { Chunk } from "./chunk";

/** A chunk that did not get through. */
export interface Failure {
  readonly chunk: Chunk;
  /** "unanswered": neither frame nor answer is known to have arrived. "too-large": the device says that the frame is.
   * "busy": it asks for patience. "unmoved": it answered, and wants the same offset as before. */
  readonly kind: "unanswered" | "too-large" | "busy" | "unmoved";
  readonly cause?: SmpError;
}

/** CONFIG_IMG_MGMT_UL_CHUNK_SIZE of Zephyr up to 3.0: more in one chunk is answered as an invalid argument. */
const LEGACY_CHUNK_BYTES = 512;

/** The failure that an error stands for. @throws the error when sending again cannot help */
export function toFailure(chunk: Chunk, error: unknown): Failure {
  if (!(error instanceof SmpError)) throw error;
  const kind = error instanceof DeviceError ? kindOfRefusal(chunk, error) : kindOfError(error);
  if (!kind) throw error;
  return { chunk, kind, cause: error };
}

function kindOfError({ code }: SmpError): Failure["kind"] | undefined {
  // Chunks are made to fit the session, so that it is a gateway that says so of the device's own link.
  if (code === "SMP_FRAME_TOO_LARGE") return "too-large";
  return code === "SMP_TIMEOUT" || code === "SMP_BAD_FRAME" ? "unanswered" : undefined;
}

/** Only refusals below the image group have to do with the frame. */
function kindOfRefusal(chunk: Chunk, { details }: DeviceError): Failure["kind"] | undefined {
  if (details.group !== undefined) return undefined;
  const { rc } = details;
  if (rc === SMP_RC.CORRUPT) return "too-large";
  if (isBusy(details)) return "busy";
  const isLong = chunk.endBytes - chunk.offBytes > LEGACY_CHUNK_BYTES;
  return rc === SMP_RC.INVALID && isLong ? "too-large" : undefined;
}

const LINK_ERRORS: ReadonlySet<SmpErrorCode> = new Set(["SMP_LINK_LOST", "SMP_LINK_OPEN", "SMP_UNREACHABLE"]);

/** Whether the way to the device broke, so that a new link may help, or the same one a little later. */
export function isLinkLoss(error: unknown): error is SmpError {
  return error instanceof SmpError && LINK_ERRORS.has(error.code) && !isFinal(error);
}

/** The far end knows that it will not get better. */
function isFinal({ code, retryable }: SmpError): boolean {
  return code === "SMP_UNREACHABLE" && !retryable;
}

/** Whether a session that could not be opened may be had a little later. */
export function mayReopen(error: unknown): error is SmpError {
  return isLinkLoss(error) || (error instanceof SmpError && REOPEN_ERRORS.has(error.code));
}

const REOPEN_ERRORS: ReadonlySet<SmpErrorCode> = new Set(["SMP_TIMEOUT", "SMP_BAD_FRAME", "SMP_POOL_FULL"]);

/** Whether a request may have had its effect though no answer came. */
export function isUnanswered(error: unknown): error is SmpError {
  return error instanceof SmpError && UNANSWERED.has(error.code);
}

const UNANSWERED: ReadonlySet<SmpErrorCode> = new Set([
  "SMP_TIMEOUT",
  "SMP_UNREACHABLE",
  "SMP_LINK_LOST",
  "SMP_BAD_FRAME",
  "SMP_BAD_RESPONSE",
]);

/** A device's refusal of a chunk, saying where it stopped the upload. */
export function refusalOf(error: DeviceError, label: string, chunk: Chunk): SmpError {
  const { rc, group } = error.details;
  const message = `${label} stopped at ${chunk.offBytes}: ${error.message}`;
  const facts = { ...error.details, off: chunk.offBytes, frameLength: chunk.frameBytes, cause: error };
  if (group === GROUP.IMAGE && rc === IMAGE_RC.INVALID_IMAGE_TOO_LARGE)
    return new SmpError("SMP_IMAGE_TOO_LARGE", message, facts);
  const verdict =
    group === GROUP.IMAGE && rc === IMAGE_RC.CURRENT_VERSION_IS_NEWER ? { verdict: "refused-downgrade" } : {};
  return new DeviceError(message, { ...facts, ...verdict, hint: error.hint, retryable: error.retryable });
}
