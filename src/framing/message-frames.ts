/**
 * Frames out of messages: a message may hold a piece of a frame, one frame, several, or the end of one and the begin of the
 * next. A message that is whole by itself never belongs to what came before: so a lost piece costs one frame only.
 */
import { frameLength, HEADER_BYTES, mayBeginFrame } from "./frame-length";

/** Messages of several frames may mingle; more than any window, and than the devices of a gateway have requests at once. */
const MAX_PARTIALS = 64;

export interface MessageFramesOptions {
  /** Operations that a header may bear: 0 and 2 of requests, 1 and 3 of answers. */
  readonly ops: readonly number[];
  /** The rest of a frame that comes later is none. */
  readonly staleMs: number;
}

export interface Assembled {
  readonly frames: readonly Uint8Array[];
  /** What begins no frame. */
  readonly garbage?: Uint8Array;
}

export class MessageFrames {
  /** Frames of which only a part came. */
  incomplete = 0;
  readonly #partials = new Map<string, { readonly bytes: Buffer; readonly sinceMs: number }>();
  readonly #options: MessageFramesOptions;

  constructor(options: MessageFramesOptions) {
    this.#options = options;
  }

  /**
   * @param key of messages that belong together: the device and the id of the request, where they are known
   * @param atMs on any clock
   */
  take(key: string, bytes: Uint8Array, atMs: number): Assembled {
    this.#dropStale(atMs);
    const before = this.#partials.get(key);
    this.#partials.delete(key);
    const alone = this.#cut(bytes);
    if (!before) return this.#keepRest(key, alone, atMs);
    const together = this.#cut(Buffer.concat([before.bytes, bytes]));
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
    for (const [key, { sinceMs }] of this.#partials) if (atMs - sinceMs > this.#options.staleMs) this.#drop(key);
  }

  #drop(key: string): void {
    this.#partials.delete(key);
    this.incomplete++;
  }

  #cut(bytes: Uint8Array): Cut {
    const frames: Uint8Array[] = [];
    for (let rest = bytes; ;) {
      if (rest.length === 0) return { frames, rest };
      if (!mayBeginFrame(rest[0]!, this.#options.ops)) {
        return { frames, rest: NOTHING, garbage: Uint8Array.from(rest) };
      }
      if (rest.length < HEADER_BYTES || rest.length < frameLength(rest)) return { frames, rest };
      const frame = Uint8Array.from(rest.subarray(0, frameLength(rest)));
      frames.push(frame);
      rest = rest.subarray(frame.length);
    }
  }
}

const NOTHING = new Uint8Array();

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
