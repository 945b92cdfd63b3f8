/** What both directions of SMP over console agree on. Source: Zephyr `mgmt/mcumgr/transport/serial.h`. */

/** ACK HT: the line begins a packet. */
export const PACKET_MARKER = [0x06, 0x09] as const;
/** EOT DC4: the line goes on with it. */
export const CONTINUATION_MARKER = [0x04, 0x14] as const;
/** MCUboot's recovery takes no CR before it. */
export const LINE_FEED = 0x0a;
/** With markers and line feed; servers have buffers for no more (MCUMGR_SERIAL_MAX_FRAME). */
export const LINE_BYTES = 127;
/** A packet is the length of what follows, the frame, and its CRC: two big-endian bytes around the frame each. */
export const LENGTH_BYTES = 2;
export const CRC_BYTES = 2;
/** The length counts the CRC too, and has 16 bits. */
export const MAX_CONSOLE_FRAME_BYTES = 0xffff - CRC_BYTES;
