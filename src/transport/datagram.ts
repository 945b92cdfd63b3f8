import { frameLength, HEADER_BYTES } from "../framing/frame-length";

/**
 * The frames of a datagram, in place: one, or several complete ones (Zephyr `smp_rx_req`). What is no whole frame is passed
 * on as it is.
 */
export function framesOf(datagram: Uint8Array): Uint8Array[] {
  const frames: Uint8Array[] = [];
  for (let rest = datagram; rest.length > 0;) {
    const frameBytes = rest.length < HEADER_BYTES ? rest.length : frameLength(rest);
    frames.push(new Uint8Array(rest.buffer, rest.byteOffset, Math.min(frameBytes, rest.length)));
    rest = rest.subarray(frameBytes);
  }
  return frames;
}
