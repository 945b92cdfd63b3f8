/** The two framings of serial lines, behind one face. */
import { nowMs } from "../../clock";
import { ConsoleDecoder } from "../../framing/console-decoder";
import { encodeConsole } from "../../framing/console-encoder";
import { CRC_BYTES, LENGTH_BYTES, LINE_FEED, MAX_CONSOLE_FRAME_BYTES } from "../../framing/console-line";
import { MAX_FRAME_BYTES } from "../../framing/frame-length";
import { RawDecoder } from "../../framing/raw";
import { OP } from "../../smp/header";
import type { SerialSettings } from "./address";

export interface Framer {
  readonly maxFrameBytes: number;
  /** As `Link.bufferOverheadBytes`. */
  readonly bufferOverheadBytes: number;
  /** Sent once before the first frame. */
  readonly preamble: Uint8Array;
  /** The pieces that a frame is sent in, a line each. */
  encode(frame: Uint8Array): readonly Uint8Array[];
  /** @returns the frames that these bytes complete */
  decode(bytes: Uint8Array): Uint8Array[];
  /** What came besides frames, in words; "" for nothing. */
  describeDrops(): string;
}

export function framerFor(framing: SerialSettings["framing"]): Framer {
  return framing === "raw" ? rawFramer() : consoleFramer();
}

function consoleFramer(): Framer {
  const decoder = new ConsoleDecoder();
  return {
    maxFrameBytes: MAX_CONSOLE_FRAME_BYTES,
    bufferOverheadBytes: LENGTH_BYTES + CRC_BYTES,
    // Ends whatever a server has in its line buffer.
    preamble: Uint8Array.of(LINE_FEED),
    encode: encodeConsole,
    decode: (bytes) => decoder.take(bytes),
    describeDrops: () => {
      const { textBytes, lines, packets } = decoder.drops;
      return [
        counted(textBytes, "byte of other text", "bytes of other text"),
        counted(lines, "damaged line", "damaged lines"),
        counted(packets, "damaged packet", "damaged packets"),
      ]
        .filter((part) => part !== "")
        .join(", ");
    },
  };
}

const ANSWERS = [OP.READ_RESPONSE, OP.WRITE_RESPONSE];

function rawFramer(): Framer {
  const decoder = new RawDecoder({ ops: ANSWERS, maxFrameBytes: MAX_FRAME_BYTES, onBadHeader: "search" });
  return {
    maxFrameBytes: MAX_FRAME_BYTES,
    bufferOverheadBytes: 0,
    preamble: new Uint8Array(0),
    encode: (frame) => [frame],
    decode: (bytes) => decoder.take(bytes, nowMs()),
    describeDrops: () => counted(decoder.droppedBytes, "byte outside frames", "bytes outside frames"),
  };
}

function counted(count: number, one: string, more: string): string {
  return count === 0 ? "" : `${count} ${count === 1 ? one : more}`;
}
