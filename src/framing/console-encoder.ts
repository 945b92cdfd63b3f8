/** Frames as lines of text. Source: Zephyr `mcumgr_serial_tx_pkt` (subsys/mgmt/mcumgr/transport/src/serial_util.c). */
import { SmpError } from "../errors";
import {
  CONTINUATION_MARKER,
  CRC_BYTES,
  LENGTH_BYTES,
  LINE_BYTES,
  LINE_FEED,
  MAX_CONSOLE_FRAME_BYTES,
  PACKET_MARKER,
} from "./console-line";
import { crc16 } from "./crc16";

/** Four characters carry three bytes. */
const RAW_BYTES_PER_LINE = Math.floor((LINE_BYTES - PACKET_MARKER.length - 1) / 4) * 3;

/**
 * The lines that carry a frame, each with its markers and its line feed, of at most 127 bytes.
 * @throws SMP_FRAME_TOO_LARGE when the 16-bit length cannot tell the frame's
 */
export function encodeConsole(frame: Uint8Array): Uint8Array[] {
  if (frame.length > MAX_CONSOLE_FRAME_BYTES) {
    throw new SmpError(
      "SMP_FRAME_TOO_LARGE",
      `a frame of ${frame.length} bytes is more than SMP over console can carry, ${MAX_CONSOLE_FRAME_BYTES}`,
      { frameLength: frame.length, limit: MAX_CONSOLE_FRAME_BYTES },
    );
  }
  const packet = Buffer.alloc(LENGTH_BYTES + frame.length + CRC_BYTES);
  packet.writeUInt16BE(frame.length + CRC_BYTES, 0);
  packet.set(frame, LENGTH_BYTES);
  packet.writeUInt16BE(crc16(frame), LENGTH_BYTES + frame.length);
  const lines: Uint8Array[] = [];
  for (let at = 0; at < packet.length; at += RAW_BYTES_PER_LINE) {
    lines.push(line(at === 0 ? PACKET_MARKER : CONTINUATION_MARKER, packet.subarray(at, at + RAW_BYTES_PER_LINE)));
  }
  return lines;
}

function line(marker: readonly number[], raw: Buffer): Uint8Array {
  return Buffer.concat([Buffer.from(marker), Buffer.from(raw.toString("base64"), "latin1"), Buffer.of(LINE_FEED)]);
}
