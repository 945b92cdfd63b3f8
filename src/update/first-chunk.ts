/** The first chunk goes alone: it decides between a fresh upload, which may erase the slot for long, and going on. */
import { sleep, throwIfAborted } from "../clock";
import type { SmpSession } from "../session/types";
import { firstChunk, type Chunk } from "./chunk";
import type { Failure } from "./failure";
import type { UploadRun } from "./upload-run";

/**
 * Sends it until the device says where the upload stands.
 * @param look makes sure that it is still the device, and the application, that shall get it: comes before each further try, as who
 *   does not answer may have crashed into MCUboot's recovery, where a first chunk erases what runs
 * @throws what `look` throws, SMP_FRAME_TOO_LARGE, SMP_TIMEOUT, SMP_UPLOAD_FAILED, SMP_UPLOAD_OFFSET, SMP_LINK_LOST, SMP_DEVICE,
 *   SMP_IMAGE_TOO_LARGE, or the signal's reason
 */
export async function sendFirstChunk(session: SmpSession, run: UploadRun, look: () => Promise<unknown>): Promise<void> {
  run.progress.enter("erasing");
  for (let isRepeated = false; ; isRepeated = true) {
    const chunk = firstChunk(run.tries.frameLimit.bytes(session), run.first);
    const failure = await trySend(session, run, chunk, isRepeated ? look : undefined);
    if (!failure) return run.progress.start(run.offsets.ackedBytes);
    run.tries.failed(failure, run.place(session));
    run.progress.retried();
    await sleep(run.tries.pauseMs(failure), run.job.signal);
  }
}

async function trySend(
  session: SmpSession,
  run: UploadRun,
  chunk: Chunk,
  look: (() => Promise<unknown>) | undefined,
): Promise<Failure | undefined> {
  const data = await run.read(chunk);
  run.offsets.sent(chunk);
  try {
    await look?.();
    const { off, match } = await run.send(session, chunk, data, run.job.signal);
    if (run.isMismatch(match)) return { chunk, kind: "unmoved" };
    if (off > run.lenBytes) throw run.foreignOffset(chunk, off);
    if (off === 0) return { chunk, kind: "unmoved" };
    begin(run, chunk, off);
    return undefined;
  } catch (error) {
    throwIfAborted(run.job.signal);
    return run.failureOf(chunk, error);
  }
}

function begin(run: UploadRun, chunk: Chunk, offBytes: number): void {
  // A fresh upload stands at the chunk's end, or in MCUboot's recovery where the last whole flash word ends.
  const isFresh = offBytes <= chunk.endBytes;
  // What an earlier upload had sent is gone when the device begins anew, also when it was taken up before.
  run.resumedFromBytes = isFresh ? 0 : (run.resumedFromBytes ?? offBytes);
  if (offBytes < run.offsets.ackedBytes) run.setback(offBytes);
  else run.offsets.begin(offBytes);
  run.tries.progressed(chunk);
}
