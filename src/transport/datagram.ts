import { frameLength, HEADER_BYTES } from "../framing/frame-length";

/**
 * The frames of a datagram: one, or several complete ones (Zephyr `smp_rx_req`). What is no whole frame is passed on as it is.
 */
export function framesOf(datagram: Uint8Array): Uint8Array[] {
  const frames: Uint8Array[] = [];
  for (let rest = datagram; rest.length > 0;) {
    const frameBytes = rest.length < HEADER_BYTES ? rest.length : frameLength(rest);
    frames.push(Uint8Array.from(rest.subarray(0, frameBytes)));
    rest = rest.subarray(frameBytes);
  }
  return frames;
}
