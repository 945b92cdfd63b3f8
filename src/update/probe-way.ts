/**
 * Finds out how large frames may be on a way with limits of its own that nobody tells of: what lies between may cut a message and stay
 * silent. A first chunk that is not answered tells that too, but only after the time that a slot may take to erase; a padded question
 * about the device's parameters, whose arguments servers do not look at (Zephyr `os_mgmt_mcumgr_params`), is answered at once.
 */
import { throwIfAborted } from "../clock";
import { SmpError } from "../errors";
import type { SmpSession } from "../session/types";
import { TIMEOUT_MS } from "../smp/command";
import { os } from "../smp/commands";
import { HEADER_BYTES, OP } from "../smp/header";
import { encodeMessage } from "../smp/message";
import type { UploadRun } from "./upload-run";

/** Losses are usual on such a way: of the largest frame, and of those between, which are many. */
const TRIES = 3;
const SEARCH_TRIES = 2;
/** The search ends when it is that close. */
const PRECISION = 1 / 16;

/** Fewer frames are not worth the question, which is as long as one of them. */
const WORTH_FRAMES = 16;

/** Before the first chunk. Without an answer to any size nothing is learnt, and the chunks have to tell. */
export async function probeWay(session: SmpSession, run: UploadRun): Promise<void> {
  if (session.maxRoundTripMs === 0) return;
  const { learnt } = run.job.device;
  const limitBytes = run.tries.frameLimit.bytes(session);
  if (run.lenBytes < WORTH_FRAMES * limitBytes) return;
  const known = learnt.way && learnt.way.triedBytes >= limitBytes ? learnt.way.carriesBytes : limitBytes;
  const mostBytes = Math.min(known, limitBytes);
  const carriesBytes = (await carries(session, run, mostBytes, TRIES))
    ? mostBytes
    : await search(session, run, mostBytes);
  if (carriesBytes === undefined) return;
  learnt.way = { carriesBytes, triedBytes: Math.max(limitBytes, learnt.way?.triedBytes ?? 0) };
  if (carriesBytes < limitBytes) learnt.frames = { limitBytes: carriesBytes, neverAboveBytes: carriesBytes };
  run.tries.proven(carriesBytes);
}

/** @param failedBytes are too many */
async function search(session: SmpSession, run: UploadRun, failedBytes: number): Promise<number | undefined> {
  let low = run.smallestFrameBytes;
  let high = failedBytes;
  if (low >= high || !(await carries(session, run, low, TRIES))) return undefined;
  while (high - low > Math.max(1, low * PRECISION)) {
    const middle = Math.floor((low + high) / 2);
    if (await carries(session, run, middle, SEARCH_TRIES)) low = middle;
    else high = middle;
  }
  return low;
}

async function carries(session: SmpSession, run: UploadRun, frameBytes: number, attempts: number): Promise<boolean> {
  const { signal } = run.job;
  try {
    await session.forward(paddedQuestion(frameBytes), { signal, attempts, timeoutMs: TIMEOUT_MS.QUICK });
    return true;
  } catch (error) {
    throwIfAborted(signal);
    if (isTooLarge(error)) return false;
    throw error;
  }
}

/** Or lost as often as it was tried; or the far end says that it never will pass it on. */
function isTooLarge(error: unknown): boolean {
  if (!(error instanceof SmpError)) return false;
  if (error.code === "SMP_UNREACHABLE") return !error.retryable;
  return error.code === "SMP_TIMEOUT" || error.code === "SMP_BAD_FRAME";
}

/** A frame of `frameBytes`, or a few less where CBOR has no such length. */
function paddedQuestion(frameBytes: number): Uint8Array {
  const roomBytes = Math.max(0, frameBytes - HEADER_BYTES);
  const overBytes = questionWith(roomBytes).length - frameBytes;
  return questionWith(Math.max(0, roomBytes - overBytes));
}

function questionWith(padBytes: number): Uint8Array {
  const { group, id } = os.parameters;
  return encodeMessage({ op: OP.READ, version: 0, group, id, seq: 0, body: { pad: new Uint8Array(padBytes) } });
}
