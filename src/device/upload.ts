/**
 * The upload state machine of Zephyr's image group (`img_mgmt_upload`): one context for the whole device, whoever
 * sends. Any refusal resets it; a chunk at another offset than the next is answered with the offset that is wanted.
 */
import { createHash } from "node:crypto";
import type { CborMap } from "../smp/message";
import type { Call } from "./handlers";
import type { Host } from "./host";
import type { FlashSlot } from "./image-store";
import { Refusal } from "./refusal";
import { SlotWriter } from "./slot-writer";
import {
  checkFirstChunk,
  chooseSlot,
  type FirstChunk,
  SHA_BYTES,
  UPLOAD_RC,
  type UploadRequest,
  uploadRefusal,
} from "./upload-checks";

interface Session {
  readonly slot: FlashSlot;
  readonly lenBytes: number;
  readonly sha: Uint8Array;
  readonly writer: SlotWriter;
  off: number;
}

export class Upload {
  readonly #host: Host;
  #session: Session | undefined;

  constructor(host: Host) {
    this.#host = host;
  }

  reset(): void {
    this.#session = undefined;
  }

  /** Answers one chunk. */
  take(request: UploadRequest, call: Call): CborMap {
    try {
      if (request.off === undefined) throw uploadRefusal(UPLOAD_RC.NO_OFFSET);
      return request.off === 0 ? this.#first(request, call) : this.#next(request.off, request.data, call);
    } catch (error) {
      this.reset();
      throw error;
    }
  }

  #first(request: UploadRequest, call: Call): CborMap {
    const chunk = checkFirstChunk(request);
    if (this.#session && chunk.sha.length > 0 && Buffer.compare(this.#session.sha, chunk.sha) === 0) {
      return { off: this.#session.off };
    }
    const slot = chooseSlot(this.#host, chunk);
    this.#askApplication(0, chunk.lenBytes, chunk.data);
    if (this.#host.profile.imageCheck && holds(slot, chunk.lenBytes, chunk.sha)) {
      this.reset();
      return { off: chunk.lenBytes, match: true };
    }
    this.#session = this.#begin(slot, chunk, call);
    return this.#append(this.#session, chunk.data, call);
  }

  #begin(slot: FlashSlot, { lenBytes, sha }: FirstChunk, call: Call): Session {
    const { profile, pace } = this.#host;
    const writer = new SlotWriter(slot, pace, { progressive: profile.progressiveErase });
    call.spend(writer.prepare(lenBytes));
    this.#host.log(`upload of ${lenBytes} bytes into slot ${slot.slot} of image ${slot.image}`);
    return { slot, lenBytes, sha, writer, off: 0 };
  }

  #next(off: number, data: Uint8Array = new Uint8Array(), call: Call): CborMap {
    const session = this.#session;
    if (!session || off !== session.off) return { off: session?.off ?? 0 };
    this.#askApplication(off, session.lenBytes, data);
    return this.#append(session, data, call);
  }

  #append(session: Session, data: Uint8Array, call: Call): CborMap {
    if (session.off + data.length > session.lenBytes) throw uploadRefusal(UPLOAD_RC.OVERRUN);
    call.spend(session.writer.append(data));
    session.off += data.length;
    return session.off === session.lenBytes ? this.#complete(session, call) : { off: session.off };
  }

  #complete(session: Session, call: Call): CborMap {
    call.spend(session.writer.finish());
    this.reset();
    this.#host.log(`upload of ${session.lenBytes} bytes complete`);
    const check = this.#host.profile.imageCheck;
    return { off: session.off, match: check ? holds(session.slot, session.lenBytes, session.sha) : undefined };
  }

  #askApplication(off: number, lenBytes: number, data: Uint8Array): void {
    const objection = this.#host.hooks.uploadChunk?.({ off, lenBytes, dataBytes: data.length });
    if (objection) throw new Refusal({ ...objection, reason: "app reject" });
  }
}

/** Whether flash holds exactly the file of this SHA-256; false for a `sha` that was cut short. */
function holds(slot: FlashSlot, lenBytes: number, sha: Uint8Array): boolean {
  if (sha.length !== SHA_BYTES) return false;
  const digest = createHash("sha256").update(slot.read(0, lenBytes)).digest();
  return Buffer.compare(digest, sha) === 0;
}
