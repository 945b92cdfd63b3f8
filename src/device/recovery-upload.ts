/**
 * `bs_upload` of MCUboot's serial recovery: straight into the slot that runs, with no look at the image. `sha` and
 * `upgrade` are ignored; a first chunk always starts over; what does not fill flash alignment is asked for again.
 */
import { SMP_RC } from "../smp/codes";
import type { CborMap } from "../smp/message";
import { bytes, optional, uint } from "../smp/shape";
import { decodeRequest } from "./handlers";
import type { Host } from "./host";
import type { FlashSlot } from "./image-store";
import { transferMs } from "./pace";
import type { RecoveryProfile } from "./profiles";

const REQUEST = { image: optional(uint), data: bytes, len: optional(uint), off: uint };
const INVALID = { body: { rc: SMP_RC.INVALID } };

export class RecoveryUpload {
  readonly #host: Host;
  readonly #profile: RecoveryProfile;
  #image = 0;
  #lenBytes = 0;
  #off = 0;

  constructor(host: Host, profile: RecoveryProfile) {
    this.#host = host;
    this.#profile = profile;
  }

  take(body: Uint8Array): { body: CborMap; workMs?: number } {
    const request = decodeRequest(REQUEST, body);
    if (!request) return INVALID;
    if (request.off === 0) this.#image = request.image ?? 0;
    const slot = this.#slot();
    if (!slot) return INVALID;
    if (request.off === 0) return this.#first(slot, request.data, request.len);
    if (request.off !== this.#off) return this.#wanted(0);
    if (this.#off + request.data.length > this.#lenBytes) return INVALID;
    return this.#wanted(this.#write(slot, request.data));
  }

  /** The whole slot is erased before the first answer. */
  #first(slot: FlashSlot, data: Uint8Array, len: number | undefined): { body: CborMap; workMs?: number } {
    this.#off = 0;
    if (len === undefined || len > slot.sizeBytes || data.length > slot.sizeBytes) return INVALID;
    slot.erase(0, slot.sizeBytes);
    this.#lenBytes = len;
    this.#host.log(`recovery: upload of ${len} bytes into slot ${slot.slot} of image ${slot.image}`);
    const eraseMs = (slot.sizeBytes / slot.pageBytes) * this.#host.pace.erasePageMs;
    return this.#wanted(eraseMs + this.#write(slot, data));
  }

  /** Gives the time that flash needs. The end of the file is written whatever its length. */
  #write(slot: FlashSlot, data: Uint8Array): number {
    const isLast = this.#off + data.length >= this.#lenBytes;
    const storedBytes = isLast ? data.length : data.length - (data.length % this.#profile.alignBytes);
    slot.write(this.#off, data.subarray(0, storedBytes));
    this.#off += storedBytes;
    return transferMs(storedBytes, this.#host.pace.writeBytesPerSecond);
  }

  #wanted(workMs: number): { body: CborMap; workMs: number } {
    return { body: { rc: SMP_RC.OK, off: this.#off }, workMs };
  }

  #slot(): FlashSlot | undefined {
    const { store } = this.#host;
    const number = this.#profile.directUpload ? Math.max(this.#image - 1, 0) : this.#image * 2;
    const [image, slot] = [Math.floor(number / 2), number % 2];
    return image < store.imageCount ? store.slot(image, slot) : undefined;
  }
}
