/**
 * CRC-16/XMODEM, as in SMP over console: polynomial 0x1021, initial value 0, nothing reflected. "123456789" gives 0x31C3.
 * Source: Zephyr `crc16_itu_t` with seed 0 (lib/crc/crc16_sw.c).
 */
export function crc16(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) {
    crc = ((crc >> 8) | (crc << 8)) & 0xffff;
    crc ^= byte;
    crc ^= (crc & 0xff) >> 4;
    crc ^= (crc << 12) & 0xffff;
    crc ^= (crc & 0xff) << 5;
  }
  return crc;
}
