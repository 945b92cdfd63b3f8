/** Goes on over a new link when one breaks. */
import { sleep, throwIfAborted } from "../clock";
import { SmpError } from "../errors";
import type { SmpSession } from "../session/types";
import { isLinkLoss, mayReopen } from "./failure";
import type { UploadRun } from "./upload-run";

/** Before each attempt to come back; a device that reboots is away for seconds. */
const DELAYS_MS = [250, 1_000, 2_000, 4_000, 8_000, 15_000] as const;

export class Reconnecting {
  readonly #run: UploadRun;
  /** Attempts since the device has last moved on. */
  #attempts = 0;
  #ackedBytes = 0;

  constructor(run: UploadRun) {
    this.#run = run;
  }

  /**
   * Runs `work` with a session, and once more with a new one whenever the link breaks meanwhile.
   * @throws SMP_LINK_LOST or SMP_UNREACHABLE when it does not come back, what opening or `work` throws otherwise, or the signal's reason
   */
  async during<T>(work: (session: SmpSession) => Promise<T>): Promise<T> {
    const { device, signal } = this.#run.job;
    let session = await device.session(signal);
    for (;;) {
      try {
        return await work(session);
      } catch (error) {
        throwIfAborted(signal);
        if (!isLinkLoss(error)) throw error;
        session = await this.#reopen(error);
      }
    }
  }

  async #reopen(loss: SmpError): Promise<SmpSession> {
    const { device, signal } = this.#run.job;
    this.#run.progress.enter("reconnecting");
    for (let cause = loss; ;) {
      await sleep(this.#delayMs(cause), signal);
      this.#run.progress.retried();
      try {
        return await device.session(signal);
      } catch (error) {
        throwIfAborted(signal);
        if (!mayReopen(error)) throw error;
        cause = error;
      }
    }
  }

  /** @throws SMP_LINK_LOST when there were enough attempts */
  #delayMs(cause: SmpError): number {
    const { offsets, label, lenBytes } = this.#run;
    if (offsets.ackedBytes > this.#ackedBytes) this.#attempts = 0;
    this.#ackedBytes = offsets.ackedBytes;
    const delayMs = DELAYS_MS[this.#attempts++];
    if (delayMs !== undefined) return delayMs;
    const isUnreachable = cause.code === "SMP_UNREACHABLE";
    throw new SmpError(
      isUnreachable ? cause.code : "SMP_LINK_LOST",
      `${label} stopped at ${offsets.ackedBytes} of ${lenBytes} bytes: the link broke, and ${DELAYS_MS.length} attempts to go on over a new one got no further: ${cause.message}`,
      { off: offsets.ackedBytes, cause, ...(isUnreachable && { hint: cause.hint }) },
    );
  }
}
