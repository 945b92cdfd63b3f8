/**
 * Frames out of messages: a message may hold a piece of a frame, one frame, several, or the end of one and the begin of the
 * next. A message that is whole by itself never belongs to what came before: so a lost piece costs one frame only.
 */
import { frameLength, HEADER_BYTES } from "../../framing/frame-length";
import { OP } from "../../smp/header";

/** Messages of several answers may mingle; more than any window. */
const MAX_PARTIALS = 32;

export interface Assembled {
  readonly frames: readonly Uint8Array[];
  /** What begins no frame of a device. */
  readonly garbage?: Uint8Array;
}

export class Assembly {
  /** Frames of which only a part came. */
  incomplete = 0;
  readonly #partials = new Map<string, { readonly bytes: Buffer; readonly sinceMs: number }>();
  readonly #staleMs: number;

  /** @param staleMs the rest of a frame that comes later is none */
  constructor(staleMs: number) {
    this.#staleMs = staleMs;
  }

  /**
   * @param key of messages that belong together: the id of the request, or "" where there is none
   * @param atMs on any clock
   */
  take(key: string, bytes: Uint8Array, atMs: number): Assembled {
    this.#dropStale(atMs);
    const before = this.#partials.get(key);
    this.#partials.delete(key);
    const alone = cut(bytes);
    if (!before) return this.#keepRest(key, alone, atMs);
    const together = cut(Buffer.concat([before.bytes, bytes]));
    const isOwn = isWhole(alone) && alone.frames.every(hasFlagsZero) && !isWhole(together);
    if (!isOwn && !together.garbage) return this.#keepRest(key, together, before.sinceMs);
    this.incomplete++;
    return this.#keepRest(key, alone, atMs);
  }

  #keepRest(key: string, { frames, rest, garbage }: Cut, sinceMs: number): Assembled {
    if (rest.length > 0) this.#partials.set(key, { bytes: Buffer.from(rest), sinceMs });
    const [oldest] = this.#partials.keys();
    if (oldest !== undefined && this.#partials.size > MAX_PARTIALS) this.#drop(oldest);
    return { frames, ...(garbage && { garbage }) };
  }

  #dropStale(atMs: number): void {
    for (const [key, { sinceMs }] of this.#partials) if (atMs - sinceMs > this.#staleMs) this.#drop(key);
  }

  #drop(key: string): void {
    this.#partials.delete(key);
    this.incomplete++;
  }
}

interface Cut {
  readonly frames: Uint8Array[];
  /** The begin of a frame; empty when there is none. */
  readonly rest: Uint8Array;
  readonly garbage?: Uint8Array;
}

function isWhole({ frames, rest, garbage }: Cut): boolean {
  return frames.length > 0 && rest.length === 0 && !garbage;
}

/** Nobody sets the byte after the first; a middle of a frame that looks like a whole one is rarely so. */
function hasFlagsZero(frame: Uint8Array): boolean {
  return frame[1] === 0;
}

const NOTHING = new Uint8Array();

function cut(bytes: Uint8Array): Cut {
  const frames: Uint8Array[] = [];
  for (let rest = bytes; ;) {
    if (rest.length === 0) return { frames, rest };
    if (!mayBeAnswer(rest)) return { frames, rest: NOTHING, garbage: Uint8Array.from(rest) };
    if (rest.length < HEADER_BYTES) return { frames, rest };
    const frameBytes = frameLength(rest);
    if (rest.length < frameBytes) return { frames, rest };
    frames.push(Uint8Array.from(rest.subarray(0, frameBytes)));
    rest = rest.subarray(frameBytes);
  }
}

/** By the first byte: what a device may send, with the bits zero that nobody uses. */
function mayBeAnswer(bytes: Uint8Array): boolean {
  const first = bytes[0]!;
  const op = first & 0b111;
  return first < 0x10 && (op === OP.READ_RESPONSE || op === OP.WRITE_RESPONSE);
}
