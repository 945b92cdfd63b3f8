/** One upload while it runs: what stays the same, and what it has learnt. */
import { DeviceError, SmpError } from "../errors";
import type { FirmwareSource } from "../image/firmware-source";
import type { FirmwareInfo } from "../image/inspect";
import type { DeviceHandle, SmpSession } from "../session/types";
import { image as imageGroup } from "../smp/commands";
import { smallestFirstFrame, uploadBody, type Chunk, type FirstPacket } from "./chunk";
import { refusalOf, toFailure, type Failure } from "./failure";
import { Offsets } from "./offsets";
import type { ProgressMeter } from "./progress";
import { ReadAhead } from "./read-ahead";
import { findSlotHolding } from "./recovery";
import { requestStateList } from "./state";
import { Tries, type Place } from "./tries";
import type { Firmware } from "./types";
import { Window } from "./window";

export interface UploadJob {
  readonly device: DeviceHandle;
  readonly source: FirmwareSource;
  readonly info: FirmwareInfo;
  readonly firmware: Firmware;
  readonly upgradeOnly: boolean;
  readonly allowRecovery: boolean;
  /** Chunks under way at once; what the session allows when absent. */
  readonly window: number | undefined;
  readonly signal: AbortSignal | undefined;
}

/** How often the device may forget the upload, e.g. by rebooting, before it is given up. */
const MAX_SETBACKS = 3;

export class UploadRun {
  readonly job: UploadJob;
  readonly progress: ProgressMeter;
  readonly first: FirstPacket;
  readonly offsets = new Offsets();
  readonly tries: Tries;
  /** The least with which an upload can begin. */
  readonly smallestFrameBytes: number;
  /** "upload of app.bin to sensor-1", for messages. */
  readonly label: string;
  sentBytes = 0;
  /** MCUboot's recovery takes the chunks, as far as was seen last. */
  isInRecovery = false;
  /** Where an earlier upload was taken up; 0 once nothing is left of it; undefined until the device has answered the first chunk. */
  resumedFromBytes: number | undefined;
  readonly #bytes: ReadAhead;
  #setbacks = 0;
  #isSpoilt = false;

  constructor(job: UploadJob, progress: ProgressMeter) {
    const { firmware, upgradeOnly, device } = job;
    this.job = job;
    this.#bytes = new ReadAhead(job.source);
    this.progress = progress;
    const sha = Buffer.from(firmware.fileSha256, "hex");
    this.first = { image: firmware.image, len: firmware.sizeBytes, sha, upgrade: upgradeOnly };
    this.smallestFrameBytes = smallestFirstFrame(this.first);
    this.tries = new Tries(this.lenBytes, this.smallestFrameBytes, device.learnt);
    this.label = `upload of ${firmware.label} to ${device.key}`;
  }

  get lenBytes(): number {
    return this.job.firmware.sizeBytes;
  }

  newWindow(session: SmpSession): Window {
    return new Window(Math.min(this.job.window ?? session.maxInFlight, session.maxInFlight), this.job.device.learnt);
  }

  /** Where it stands, for messages. */
  place(session: SmpSession): Place {
    const { label, lenBytes } = this;
    const { maxFrameBytes, wholeFrameBytes } = session;
    return { label, lenBytes, ackedBytes: this.offsets.ackedBytes, maxFrameBytes, wholeFrameBytes };
  }

  /** Sends a chunk once. @throws as `SmpSession.request` */
  async send(session: SmpSession, chunk: Chunk, data: Uint8Array, signal: AbortSignal | undefined) {
    this.sentBytes += data.length;
    const body = uploadBody(chunk.offBytes, data, chunk.offBytes === 0 ? this.first : undefined);
    const { attempt } = this.tries;
    return await session.request(imageGroup.upload, body, { signal, attempts: 1, attempt, ...this.tries.wait(chunk) });
  }

  read(chunk: Chunk): Promise<Uint8Array> {
    return this.#bytes.read(chunk.offBytes, chunk.endBytes);
  }

  close(): void {
    this.#bytes.close();
  }

  /** The failure that an error stands for. @throws what ends the upload */
  failureOf(chunk: Chunk, error: unknown): Failure {
    try {
      return toFailure(chunk, error);
    } catch (fatal) {
      throw fatal instanceof DeviceError ? refusalOf(fatal, this.label, chunk) : fatal;
    }
  }

  /** The device does not know the upload any more. @throws SMP_UPLOAD_FAILED when that happens again and again */
  setback(offBytes: number): void {
    const lostBytes = this.offsets.ackedBytes;
    this.offsets.begin(offBytes);
    this.tries.startsOver();
    this.progress.retried();
    if (++this.#setbacks <= MAX_SETBACKS) return;
    throw new SmpError(
      "SMP_UPLOAD_FAILED",
      `${this.label} was lost by the device ${this.#setbacks} times, now at ${lostBytes} of ${this.lenBytes} bytes (off ${offBytes})`,
      {
        off: offBytes,
        expectedOff: lostBytes,
        hint: "The device reboots in the middle, or another client uploads to it at the same time.",
      },
    );
  }

  /** How often the device had lost bytes that it had acknowledged, and got them anew. */
  get startedOver(): number {
    return this.#setbacks;
  }

  /** What is in the slot shows the image's hash and is not the file: no reason to think that the upload is complete. */
  get isSpoilt(): boolean {
    return this.#isSpoilt;
  }

  /**
   * Whether the device says that what it has is not the file. Bytes may have been damaged on their way, also long ago in the
   * part that was taken up again: worth one more upload from the beginning.
   * @throws SMP_UPLOAD_FAILED the second time
   */
  isMismatch(match: boolean | undefined): boolean {
    if (match !== false) return false;
    if (!this.#isSpoilt) return (this.#isSpoilt = true);
    throw new SmpError(
      "SMP_UPLOAD_FAILED",
      `${this.label}: the device has all ${this.lenBytes} bytes, but their SHA-256 in its flash is not the file's (match: false)`,
      { off: this.lenBytes },
    );
  }

  /** Whether what was taken up again may be to blame that the image is not there; the upload stands at its beginning then. */
  startsOver(): boolean {
    if (this.#isSpoilt || !this.resumedFromBytes) return false;
    this.#isSpoilt = true;
    this.setback(0);
    return true;
  }

  foreignOffset(chunk: Chunk, offBytes: number): SmpError {
    return new SmpError(
      "SMP_UPLOAD_OFFSET",
      `${this.label}: the chunk at ${chunk.offBytes} (frame of ${chunk.frameBytes} bytes) was answered with off ${offBytes}, expected ${chunk.endBytes}: ` +
        `this upload has never been there`,
      { off: offBytes, expectedOff: chunk.endBytes, frameLength: chunk.frameBytes },
    );
  }

  /** Whether the state shows that the whole file is in a slot. @throws as `SmpSession.request` */
  async isComplete(session: SmpSession): Promise<boolean> {
    const { info, signal } = this.job;
    const list = await requestStateList(session, { signal });
    const slot = await findSlotHolding(session, list, this.job, signal);
    // A padded file shows its hash before its end arrived; the trailer at the end makes it pending.
    return slot !== undefined && (!info.trailer || slot.pending);
  }
}
