/**
 * A virtual device's end of a serial line, as Zephyr's UART transport (drivers/console/uart_mcumgr.c) and MCUboot's recovery have it.
 * The line stays when the device reboots: then it is silent.
 */
import { after, nowMs } from "../clock";
import { ConsoleDecoder } from "../framing/console-decoder";
import { encodeConsole } from "../framing/console-encoder";
import { CONTINUATION_MARKER, CRC_BYTES, LENGTH_BYTES, LINE_FEED, PACKET_MARKER } from "../framing/console-line";
import { RawDecoder } from "../framing/raw";
import { OP } from "../smp/header";
import type { DeviceConnection } from "./connection";
import type { VirtualDevice } from "./device";

export interface SerialLineOptions {
  readonly framing: "console" | "raw";
  /**
   * Lines that the receiving driver can hold (CONFIG_UART_MCUMGR_RX_BUF_COUNT is 2) until the device has read one of them;
   * further ones are lost. Any number when absent, as on a line that is slower than the device.
   */
  readonly lineBuffers?: number | undefined;
}

/** CONFIG_UART_MCUMGR_RX_BUF_SIZE and BOOT_MAX_LINE_INPUT_LEN: a longer line is dropped. */
const LINE_BUFFER_BYTES = 128;
const CARRIAGE_RETURN = 0x0d;

type Decode = (bytes: Uint8Array) => Uint8Array[];

export class SerialLine {
  /** Lines that found no buffer. */
  droppedLines = 0;
  readonly #device: VirtualDevice;
  readonly #options: SerialLineOptions;
  readonly #write: (bytes: Uint8Array) => void;
  #line: number[] = [];
  #heldLines = 0;
  #connection: DeviceConnection | undefined;
  #decode: Decode | undefined;
  #isClosed = false;

  /** @param write gets what the device sends: a line, or a raw frame, at a time */
  constructor(device: VirtualDevice, options: SerialLineOptions, write: (bytes: Uint8Array) => void) {
    this.#device = device;
    this.#options = options;
    this.#write = write;
  }

  /** Bytes from the client. */
  take(bytes: Uint8Array): void {
    if (this.#options.framing === "raw") return this.#receive(bytes);
    for (const byte of bytes) {
      this.#line.push(byte);
      if (byte !== LINE_FEED) continue;
      this.#takeLine(Uint8Array.from(this.#line));
      this.#line = [];
    }
    // What is too long is no line, but its end still has to be seen.
    if (this.#line.length > LINE_BUFFER_BYTES) this.#line.length = LINE_BUFFER_BYTES + 1;
  }

  /** Idempotent; the device stays as it is. */
  close(): void {
    this.#isClosed = true;
    this.#connection?.close();
  }

  #takeLine(line: Uint8Array): void {
    if (line.length > LINE_BUFFER_BYTES || !hasMarker(line)) return;
    const { lineBuffers } = this.#options;
    if (lineBuffers === undefined) return this.#receive(line);
    if (this.#heldLines >= lineBuffers) {
      this.droppedLines++;
      return;
    }
    this.#heldLines++;
    after(0, () => {
      this.#heldLines--;
      this.#receive(line);
    });
  }

  #receive(bytes: Uint8Array): void {
    if (this.#isClosed || !this.#connect()) return;
    for (const frame of this.#decode!(bytes)) this.#connection?.send(frame);
  }

  /** A device that starts begins with an empty buffer. */
  #connect(): boolean {
    if (this.#connection) return true;
    const { state, profile } = this.#device;
    if (state !== "application" && state !== "recovery") return false;
    const isRecovery = state === "recovery";
    const bufBytes = isRecovery ? profile.recovery!.bufSize : profile.bufSize;
    this.#decode =
      this.#options.framing === "raw" ? rawDecoder(bufBytes, isRecovery) : consoleDecoder(bufBytes, isRecovery);
    this.#connection = this.#device.connect({
      frame: (frame) => this.#send(frame),
      lost: () => (this.#connection = undefined),
    });
    return true;
  }

  #send(frame: Uint8Array): void {
    const pieces = this.#options.framing === "raw" ? [frame] : encodeConsole(frame);
    if (!this.#isClosed) pieces.forEach(this.#write);
  }
}

/** Only at the begin of a line. */
function hasMarker([first, second]: Uint8Array): boolean {
  return [PACKET_MARKER, CONTINUATION_MARKER].some((marker) => marker[0] === first && marker[1] === second);
}

/** MCUboot's base64 decoder takes no CR. */
function consoleDecoder(bufBytes: number, isRecovery: boolean): Decode {
  const decoder = new ConsoleDecoder(bufBytes - LENGTH_BYTES - CRC_BYTES);
  return (line) => (isRecovery && line.includes(CARRIAGE_RETURN) ? [] : decoder.take(line));
}

function rawDecoder(bufBytes: number, isRecovery: boolean): Decode {
  const ops = isRecovery ? [OP.READ, OP.WRITE] : Object.values(OP);
  const decoder = new RawDecoder({ ops, maxFrameBytes: bufBytes, onBadHeader: "drop-all" });
  return (bytes) => decoder.take(bytes, nowMs());
}
