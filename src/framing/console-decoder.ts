/**
 * Frames out of a console's stream, with whatever else is on it. Source: Zephyr `mcumgr_serial_process_frag`
 * (subsys/mgmt/mcumgr/transport/src/serial_util.c), more lenient: a marker counts anywhere, as a prompt or a log text without its end
 * of line may stand before it.
 *
 *   text ── 06 09 ──► line of a packet's begin ── LF ──► packet complete? ── yes, CRC right ──► a frame
 *     │                         ▲                           └ no: text; 04 14 goes on with the packet
 *     └── all else is dropped   └── a marker inside a line drops that line and begins anew
 */
import {
  CONTINUATION_MARKER,
  CRC_BYTES,
  LENGTH_BYTES,
  LINE_FEED,
  MAX_CONSOLE_FRAME_BYTES,
  PACKET_MARKER,
} from "./console-line";
import { crc16 } from "./crc16";

/** Far longer than any server's lines; what goes on beyond is no line of ours. */
const MAX_LINE_BYTES = 1024;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** What was no frame so far. */
export interface ConsoleDrops {
  /** Bytes of other text: logs, prompts, noise. */
  textBytes: number;
  /** Lines with a marker that were cut, damaged or out of place. */
  lines: number;
  /** Packets that were not completed, too long, or had a wrong CRC. */
  packets: number;
}

type LineKind = "packet" | "continuation";

export class ConsoleDecoder {
  readonly drops: ConsoleDrops = { textBytes: 0, lines: 0, packets: 0 };
  readonly #maxFrameBytes: number;
  /** The byte before, when a marker may have begun with it. */
  #half: number | undefined;
  /** The line that is being received, behind its marker. */
  #line: { readonly kind: LineKind; readonly text: number[] } | undefined;
  /** What came of a packet so far, and how much has to come. */
  #packet: { readonly wantedBytes: number; gotBytes: number; readonly pieces: Buffer[] } | undefined;

  /** @param maxFrameBytes longer packets are dropped, and never held */
  constructor(maxFrameBytes: number = MAX_CONSOLE_FRAME_BYTES) {
    this.#maxFrameBytes = maxFrameBytes;
  }

  /** @returns the frames that these bytes complete */
  take(bytes: Uint8Array): Uint8Array[] {
    const frames: Uint8Array[] = [];
    for (const byte of bytes) {
      const frame = this.#takeByte(byte);
      if (frame) frames.push(frame);
    }
    return frames;
  }

  #takeByte(byte: number): Uint8Array | undefined {
    const first = this.#half;
    this.#half = undefined;
    if (first !== undefined) {
      const kind = kindOfMarker(first, byte);
      if (kind) return this.#beginLine(kind);
      this.#takeOther(first);
    }
    if (byte === PACKET_MARKER[0] || byte === CONTINUATION_MARKER[0]) this.#half = byte;
    else if (byte === LINE_FEED && this.#line) return this.#endLine();
    else this.#takeOther(byte);
    return undefined;
  }

  #beginLine(kind: LineKind): undefined {
    if (this.#line) this.#dropLine();
    this.#line = { kind, text: [] };
  }

  #takeOther(byte: number): void {
    if (!this.#line) this.drops.textBytes++;
    else if (this.#line.text.push(byte) > MAX_LINE_BYTES) this.#dropLine();
  }

  #dropLine(): void {
    this.drops.lines++;
    this.#line = undefined;
    this.#dropPacket();
  }

  #dropPacket(): undefined {
    if (this.#packet) this.drops.packets++;
    this.#packet = undefined;
  }

  #endLine(): Uint8Array | undefined {
    const { kind, text } = this.#line!;
    const piece = decodeLine(text);
    const leastBytes = kind === "packet" ? LENGTH_BYTES : 1;
    const isStray = kind === "continuation" && !this.#packet;
    if (!piece || piece.length < leastBytes || isStray) {
      this.#dropLine();
      return undefined;
    }
    this.#line = undefined;
    if (kind === "continuation") return this.#add(piece);
    return this.#beginPacket(piece.readUInt16BE(0)) ? this.#add(piece.subarray(LENGTH_BYTES)) : undefined;
  }

  #beginPacket(wantedBytes: number): boolean {
    this.#dropPacket();
    this.#packet = { wantedBytes, gotBytes: 0, pieces: [] };
    const isPossible = wantedBytes > CRC_BYTES && wantedBytes <= this.#maxFrameBytes + CRC_BYTES;
    if (!isPossible) this.#dropPacket();
    return isPossible;
  }

  #add(piece: Buffer): Uint8Array | undefined {
    const packet = this.#packet!;
    packet.pieces.push(piece);
    packet.gotBytes += piece.length;
    if (packet.gotBytes < packet.wantedBytes) return undefined;
    const whole = Buffer.concat(packet.pieces);
    const frame = whole.subarray(0, -CRC_BYTES);
    const isRight = packet.gotBytes === packet.wantedBytes && whole.readUInt16BE(frame.length) === crc16(frame);
    if (!isRight) return this.#dropPacket();
    this.#packet = undefined;
    return new Uint8Array(frame);
  }
}

function kindOfMarker(first: number, second: number): LineKind | undefined {
  if (first === PACKET_MARKER[0] && second === PACKET_MARKER[1]) return "packet";
  return first === CONTINUATION_MARKER[0] && second === CONTINUATION_MARKER[1] ? "continuation" : undefined;
}

/** Undefined when it is no base64; blanks and a CR at its end are passed over. */
function decodeLine(text: readonly number[]): Buffer | undefined {
  const base64 = Buffer.from(text).toString("latin1").trimEnd();
  return BASE64.test(base64) ? Buffer.from(base64, "base64") : undefined;
}
