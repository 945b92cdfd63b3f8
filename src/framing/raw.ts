/**
 * Bare SMP frames on a serial line, cut apart by the length in their headers. There is nothing to find the begin of a frame by: what
 * cannot be a header tells that the stream is out of step. Source: Zephyr 4.4 `smp_raw_uart.c` and `mcumgr_serial_process_frag`.
 */
import { frameLength, HEADER_BYTES, mayBeginFrame } from "./frame-length";

/** CONFIG_MCUMGR_TRANSPORT_RAW_UART_INPUT_TIMEOUT_TIME_MS: the rest of a frame that comes later is none. */
const STALE_MS = 3_000;

export interface RawOptions {
  /** Operations that a header may bear: 0 and 2 of requests, 1 and 3 of answers. */
  readonly ops: readonly number[];
  /** A longer frame cannot be. */
  readonly maxFrameBytes: number;
  /** What to do with a byte that begins no header: look for one after it, or drop all that has come, as servers do. */
  readonly onBadHeader: "search" | "drop-all";
}

export class RawDecoder {
  /** Bytes that were part of no frame. */
  droppedBytes = 0;
  readonly #options: RawOptions;
  #held: Buffer = Buffer.alloc(0);
  /** What came after {@link #held} of a frame whose length is known: put together once it is whole, however small the pieces. */
  #later: Uint8Array[] = [];
  #missingBytes = 0;
  #lastMs = 0;

  constructor(options: RawOptions) {
    this.#options = options;
  }

  /**
   * @param atMs when the bytes came, on any clock
   * @returns the frames that they complete
   */
  take(bytes: Uint8Array, atMs: number): Uint8Array[] {
    if (atMs - this.#lastMs >= STALE_MS) this.#forget();
    this.#lastMs = atMs;
    this.#later.push(Uint8Array.from(bytes));
    this.#missingBytes -= bytes.length;
    if (this.#missingBytes > 0) return [];
    this.#join();
    const frames: Uint8Array[] = [];
    for (;;) {
      const frameBytes = this.#findFrame();
      this.#missingBytes = Math.max(0, (frameBytes ?? 0) - this.#held.length);
      if (frameBytes === undefined || this.#missingBytes > 0) return frames;
      frames.push(new Uint8Array(this.#held.subarray(0, frameBytes)));
      this.#held = this.#held.subarray(frameBytes);
    }
  }

  /** The length of the frame that the held bytes begin with, whole or not; undefined when it is not known yet. */
  #findFrame(): number | undefined {
    while (this.#held.length > 0) {
      const frameBytes = this.#held.length < HEADER_BYTES ? undefined : frameLength(this.#held);
      if (this.#isPossible(this.#held[0]!, frameBytes)) return frameBytes;
      this.#drop(this.#options.onBadHeader === "search" ? 1 : this.#held.length);
    }
    return undefined;
  }

  #isPossible(first: number, frameBytes: number | undefined): boolean {
    const { ops, maxFrameBytes } = this.#options;
    return mayBeginFrame(first, ops) && (frameBytes ?? 0) <= maxFrameBytes;
  }

  #join(): void {
    this.#held = Buffer.concat([this.#held, ...this.#later]);
    this.#later = [];
  }

  #forget(): void {
    this.#join();
    this.#drop(this.#held.length);
    this.#missingBytes = 0;
  }

  #drop(bytes: number): void {
    this.droppedBytes += bytes;
    this.#held = this.#held.subarray(bytes);
  }
}
