/**
 * The frame layer of Zephyr's SMP server, in the order of `smp_process_request_packet` and `smp_handle_single_req`
 * (subsys/mgmt/mcumgr/smp/src/smp.c). Sequence numbers are repeated and never looked at.
 */
import { SMP_RC, translateToV1 } from "../smp/codes";
import { GROUP } from "../smp/command";
import { decodeHeader, type Header, HEADER_BYTES, OP } from "../smp/header";
import { type CborMap, decodeBody, encodeMessage } from "../smp/message";
import { type Call, type Decoding, type HandlerTable, isUndecodable } from "./handlers";
import { ImageRefusal } from "./image-store";
import type { Profile } from "./profiles";
import { Refusal } from "./refusal";

/** One answer of several that a packet may give. */
export interface Answer {
  readonly frame: Uint8Array;
  /** How long the device worked on it. */
  readonly workMs: number;
  readonly afterAnswer: () => void;
}

export interface PacketOptions {
  /** Takes a second buffer for an answer; when none is free the request's own is used to say so. */
  readonly takeBuffer?: () => boolean;
  /** The application refuses whatever a handler would do. */
  readonly refuse?: Refusal | undefined;
}

/** What answers packets: a Zephyr application, or MCUboot's serial recovery. */
export interface PacketServer {
  readonly bufBytes: number;
  readonly bufCount: number;
  answer(packet: Uint8Array, options: PacketOptions): Generator<Answer, undefined>;
}

export class SmpServer implements PacketServer {
  readonly #handlers: HandlerTable;
  readonly #profile: Profile;

  constructor(handlers: HandlerTable, profile: Profile) {
    this.#handlers = handlers;
    this.#profile = profile;
  }

  get bufBytes(): number {
    return this.#profile.bufSize;
  }

  get bufCount(): number {
    return this.#profile.bufCount;
  }

  /** Serves the frames of a packet one after the other, up to the first that fails; a rest under 8 bytes is dropped. */
  *answer(packet: Uint8Array, options: PacketOptions = {}): Generator<Answer, undefined> {
    let rest = packet;
    while (rest.length >= HEADER_BYTES) {
      const header = decodeHeader(rest);
      const body = rest.subarray(HEADER_BYTES, HEADER_BYTES + header.bodyBytes);
      const call = new CountedCall();
      const result = this.#serve(header, body, { call, options });
      const frame = this.#frame(header, result);
      yield { frame, workMs: call.workMs, afterAnswer: () => call.finish() };
      if (typeof result["rc"] === "number" && result["rc"] !== SMP_RC.OK) return;
      rest = rest.subarray(HEADER_BYTES + header.bodyBytes);
    }
  }

  #serve(header: Header, body: Uint8Array, context: { call: Call; options: PacketOptions }): CborMap {
    try {
      checkFrame(header, body, this.#profile.smp, context.options.takeBuffer);
      return this.#success(header, this.#run(header, body, context));
    } catch (error) {
      return this.#refusal(header, asRefusal(error));
    }
  }

  #run(header: Header, body: Uint8Array, context: { call: Call; options: PacketOptions }): CborMap {
    const op = header.op === OP.READ ? "read" : "write";
    const handler = this.#handlers.find(op, header.group, header.id);
    if (!handler) throw new Refusal({ rc: SMP_RC.NOT_SUPPORTED });
    if (context.options.refuse) throw context.options.refuse;
    return handler.run(decode(body, handler.decoding), context.call);
  }

  #success(header: Header, body: CborMap): CborMap {
    const complete = this.#profile.rcInSuccess ? { rc: SMP_RC.OK, ...body } : body;
    if (this.#frame(header, complete).length > this.#profile.bufSize) throw new Refusal({ rc: SMP_RC.TOO_LARGE });
    return complete;
  }

  #refusal(header: Header, refusal: Refusal): CborMap {
    const { rc, group, v1Rc } = refusal;
    if (group !== undefined && this.#profile.smp !== "v1" && header.version > 0) {
      return { [this.#profile.groupErrorKey]: { group, rc } };
    }
    const reason = this.#profile.verboseErrors ? { rsn: refusal.reason } : {};
    return { rc: v1Rc ?? (group === undefined ? rc : translateToV1(group, rc)), ...reason };
  }

  /** The answer's version is the request's, but at most 1; v1-only servers write 0. */
  #frame(header: Header, body: CborMap): Uint8Array {
    const op = header.op === OP.READ ? OP.READ_RESPONSE : OP.WRITE_RESPONSE;
    const version = this.#profile.smp === "v1" ? 0 : Math.min(header.version, 1);
    return encodeMessage({ ...header, op, version, body }, { indefinite: this.#profile.indefinite });
  }
}

class CountedCall implements Call {
  workMs = 0;
  readonly #afterAnswer: (() => void)[] = [];

  spend(ms: number): void {
    this.workMs += ms;
  }

  afterAnswer(work: () => void): void {
    this.#afterAnswer.push(work);
  }

  finish(): void {
    for (const work of this.#afterAnswer) work();
  }
}

function checkFrame(
  header: Header,
  body: Uint8Array,
  versions: Profile["smp"],
  takeBuffer: () => boolean = () => true,
): void {
  if (body.length < header.bodyBytes) throw new Refusal({ rc: SMP_RC.CORRUPT });
  if (header.op !== OP.READ && header.op !== OP.WRITE) throw new Refusal({ rc: SMP_RC.NOT_SUPPORTED });
  if (!takeBuffer()) throw new Refusal({ rc: SMP_RC.NO_MEMORY });
  if (versions === "v1") return;
  if (versions === "v2" && header.version === 0) throw new Refusal({ rc: SMP_RC.TOO_OLD });
  if (header.version > 1) throw new Refusal({ rc: SMP_RC.TOO_NEW });
}

function decode(body: Uint8Array, decoding: Decoding): CborMap {
  if (decoding === "ignored") return {};
  try {
    return decodeBody(body);
  } catch (error) {
    if (decoding === "lenient" && isUndecodable(error)) return {};
    throw error;
  }
}

/** Handlers answer a body that they cannot decode with MGMT_ERR_EINVAL. */
function asRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof ImageRefusal) {
    return new Refusal(error.smpLevel ? { rc: error.rc } : { group: GROUP.IMAGE, rc: error.rc });
  }
  if (isUndecodable(error)) return new Refusal({ rc: SMP_RC.INVALID });
  throw error;
}
