/** ATT MTUs and the fragments that fit them, in bytes. */

/** What macOS agrees on with most devices, and what Windows asks for; neither tells what was agreed. */
const ASSUMED_MTU: Partial<Record<NodeJS.Platform, number>> = { darwin: 185, win32: 247 };
const LEAST_MTU = 23;
/** Opcode and handle of a write. */
const WRITE_HEADER_BYTES = 3;
/** Fills one packet of the link layer (251 bytes with L2CAP's and ATT's 7); anything a little longer takes two. */
const ONE_PACKET_BYTES = 244;
const TWO_PACKETS_BYTES = 495;

/** @param offered by the peer, null where that is unknown: the exchange settles on the smaller of the two */
export function effectiveMtu(
  asked: number,
  offered: number | null,
  platform: NodeJS.Platform = process.platform,
): number {
  const mtu = offered === null ? (ASSUMED_MTU[platform] ?? LEAST_MTU) : Math.min(asked, offered);
  return Math.max(mtu, LEAST_MTU);
}

export function fragmentBytes(mtu: number): number {
  const roomBytes = mtu - WRITE_HEADER_BYTES;
  return roomBytes >= TWO_PACKETS_BYTES ? TWO_PACKETS_BYTES : Math.min(roomBytes, ONE_PACKET_BYTES);
}
