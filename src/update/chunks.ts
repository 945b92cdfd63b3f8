/**
 * The chunks after the first: a window of them under way, go-back-N by the device's offset.
 *
 *   fill the window ─► an answer: taken ─► fill again
 *                             │ missed, or none came: send no more, let the rest be answered ─► from the device's off again
 *                             │ off 0: the device has forgotten the upload
 */
import { sleep, throwIfAborted } from "../clock";
import type { SmpSession } from "../session/types";
import { nextChunk } from "./chunk";
import { isLinkLoss, isUnanswered, type Failure } from "./failure";
import { InFlight, type Settled } from "./in-flight";
import type { UploadRun } from "./upload-run";
import type { Window } from "./window";

/**
 * Sends from the acknowledged offset to the end.
 * @returns "complete", or "lost" when the device does not know the upload any more
 * @throws as `sendFirstChunk`
 */
export async function sendChunks(session: SmpSession, run: UploadRun): Promise<"complete" | "lost"> {
  const window = run.newWindow(session);
  while (run.offsets.ackedBytes < run.lenBytes) {
    const gap = await sendUntilGap(session, run, window);
    if (gap === "lost") return "lost";
    if (!gap) continue;
    if (await isCompleteAfterAll(session, run, gap)) break;
    await prepareRetry(session, run, window, gap);
  }
  return "complete";
}

/** The answer to the last chunk is the one that a server does not repeat. */
async function isCompleteAfterAll(session: SmpSession, run: UploadRun, gap: Failure): Promise<boolean> {
  if (gap.kind !== "unanswered" || gap.chunk.endBytes < run.lenBytes) return false;
  try {
    return await run.isComplete(session);
  } catch (error) {
    throwIfAborted(run.job.signal);
    // Silent towards this as well: there is no use in trying the chunk again.
    throw isLinkLoss(error) || !isUnanswered(error) ? error : run.tries.exhausted(gap, run.place(session));
  }
}

async function prepareRetry(session: SmpSession, run: UploadRun, window: Window, gap: Failure): Promise<void> {
  // Part of it was taken: the device moved on, and asks for the rest.
  if (gap.kind === "unmoved" && gap.chunk.offBytes < run.offsets.ackedBytes) return;
  run.tries.failed(gap, run.place(session));
  run.progress.retried();
  window.lost(gap.kind === "unanswered");
  await sleep(run.tries.pauseMs(gap), run.job.signal);
}

/** One pass over the rest of the file, until something has to be sent again. */
interface Pass {
  readonly session: SmpSession;
  readonly run: UploadRun;
  readonly window: Window;
  readonly inFlight: InFlight;
}

/** @returns what has to be sent again, "lost", or undefined when all is acknowledged */
async function sendUntilGap(
  session: SmpSession,
  run: UploadRun,
  window: Window,
): Promise<Failure | "lost" | undefined> {
  const pass: Pass = { session, run, window, inFlight: new InFlight() };
  let nextOff = run.offsets.ackedBytes;
  let gap: Failure | undefined;
  try {
    for (;;) {
      if (!gap) nextOff = await fillWindow(pass, nextOff);
      if (pass.inFlight.size === 0) break;
      const settled = await pass.inFlight.next(run.job.signal);
      const outcome = digest(run, settled, pass.inFlight);
      if (outcome === "lost") return "lost";
      if (outcome === "taken") window.taken();
      else gap ??= outcome;
    }
  } finally {
    pass.inFlight.abandonAll();
  }
  return gap && gap.chunk.endBytes > run.offsets.ackedBytes ? gap : undefined;
}

/** @returns where the chunk after those begins */
async function fillWindow({ session, run, window, inFlight }: Pass, offBytes: number): Promise<number> {
  let nextOff = offBytes;
  while (nextOff < run.lenBytes && inFlight.size < window.size) {
    const chunk = nextChunk(run.tries.frameLimit.bytes(session), nextOff, run.lenBytes);
    const data = await run.read(chunk);
    throwIfAborted(run.job.signal);
    inFlight.add(run.offsets.sent(chunk), (signal) => run.send(session, chunk, data, signal));
    nextOff = chunk.endBytes;
  }
  return nextOff;
}

function digest(run: UploadRun, settled: Settled, inFlight: InFlight): "taken" | "lost" | Failure {
  const { chunk } = settled;
  if ("error" in settled) return run.failureOf(chunk, settled.error);
  if (run.isMismatch(settled.match)) return "lost";
  const before = run.offsets.ackedBytes;
  const meaning = run.offsets.answered(chunk, settled.offBytes);
  if (meaning === "foreign" && !run.isInRecovery) throw run.foreignOffset(chunk, settled.offBytes);
  inFlight.abandonBefore(chunk);
  if (run.offsets.ackedBytes > before) {
    run.tries.progressed(chunk);
    run.progress.advance(run.offsets.ackedBytes);
  }
  // Recovery serves no other client: it took what a line without checksums had damaged, and has to get all anew.
  if (meaning === "lost" || meaning === "foreign") return "lost";
  return meaning === "taken" ? "taken" : { chunk, kind: "unmoved" };
}
