/**
 * MCUboot's serial recovery at frame level (boot/boot_serial/src/boot_serial.c): one frame at a time, bodies with
 * `rc` alone, version bits as they came, and silence where a frame is not consistent.
 */
import { SMP_RC } from "../smp/codes";
import { image, os } from "../smp/commands";
import { decodeHeader, type Header, HEADER_BYTES, OP } from "../smp/header";
import { type CborMap, encodeMessage } from "../smp/message";
import { decodeRequest } from "./handlers";
import type { Host } from "./host";
import type { RecoveryProfile } from "./profiles";
import { RecoveryUpload } from "./recovery-upload";
import type { Answer, PacketServer } from "./server";

interface Outcome {
  readonly body: CborMap;
  readonly workMs?: number;
  readonly afterAnswer?: () => void;
}

export class RecoveryServer implements PacketServer {
  readonly bufCount = 1;
  readonly #host: Host;
  readonly #profile: RecoveryProfile;
  readonly #upload: RecoveryUpload;
  readonly #canList: boolean;

  constructor(host: Host, profile: RecoveryProfile) {
    this.#host = host;
    this.#profile = profile;
    this.#canList = profile.listsFirstImage || this.#validImages().length > 0;
    this.#upload = new RecoveryUpload(host, profile);
  }

  get bufBytes(): number {
    return this.#profile.bufSize;
  }

  /** A length that is larger than what arrived passes; a smaller one does not. */
  *answer(packet: Uint8Array): Generator<Answer, undefined> {
    if (packet.length < HEADER_BYTES) return;
    const header = decodeHeader(packet);
    const body = packet.subarray(HEADER_BYTES);
    if ((header.op !== OP.READ && header.op !== OP.WRITE) || header.bodyBytes < body.length) return;
    const outcome = this.#serve(header, body);
    const frame = encodeMessage({ ...header, op: header.op + 1, body: outcome.body }, { indefinite: true });
    yield { frame, workMs: outcome.workMs ?? 0, afterAnswer: outcome.afterAnswer ?? (() => undefined) };
  }

  /** Most commands do not look at the operation. */
  #serve(header: Header, body: Uint8Array): Outcome {
    const asked = (row: { group: number; id: number }): boolean => row.group === header.group && row.id === header.id;
    if (asked(os.consoleEcho)) return { body: { rc: SMP_RC.OK } };
    if (asked(os.echo) && this.#profile.echo) return { body: echoBack(body) };
    if (asked(os.reset)) return { body: { rc: SMP_RC.OK }, afterAnswer: () => this.#host.resetSoon(0) };
    if (asked(os.parameters) && this.#profile.parameters) {
      return { body: { buf_size: this.#profile.bufSize, buf_count: this.bufCount } };
    }
    if (asked(image.readState) && header.op === OP.READ) return { body: this.#list() };
    if (asked(image.upload)) return this.#upload.take(body);
    return { body: { rc: SMP_RC.NOT_SUPPORTED } };
  }

  /** Only what MCUboot would boot. Flags are off by default. */
  #list(): CborMap {
    const { store } = this.#host;
    const valid = this.#canList ? this.#validImages() : [];
    const images = valid.map(({ image: number, slot, hash, version, ...flags }) => ({
      image: store.imageCount > 1 ? number : undefined,
      ...(this.#profile.imageState &&
        flagsOf(
          flags,
          store.list().some((each) => each.image === number && each.pending),
        )),
      slot,
      hash,
      version,
    }));
    return { images };
  }

  #validImages(): ReturnType<Host["store"]["list"]> {
    const { store } = this.#host;
    return store.list().filter(({ image: number, slot }) => store.isValid(number, slot));
  }
}

/** Those that are set. What runs now is not active when another waits (`bs_list`). */
function flagsOf(flags: Record<string, boolean>, isWaiting: boolean): Record<string, boolean> {
  const shown = { ...flags, active: flags["active"] === true && !isWaiting };
  return Object.fromEntries(Object.entries(shown).filter(([, isSet]) => isSet));
}

function echoBack(body: Uint8Array): CborMap {
  const request = decodeRequest(os.echo.request, body);
  return request ? { r: request.d } : { rc: SMP_RC.INVALID };
}
