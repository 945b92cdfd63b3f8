/** How long things take on the virtual device: as data, so that a test is instant and a demonstration believable. */

/** Milliseconds and bytes per second. */
export interface Pace {
  /** From a request's arrival to its answer, without what flash needs. */
  readonly requestMs: number;
  /** Of the link, requests and answers together; 0 for no limit. */
  readonly linkBytesPerSecond: number;
  readonly erasePageMs: number;
  /** Of flash; 0 for no limit. */
  readonly writeBytesPerSecond: number;
  /** From the answer to a reset until the device reboots. */
  readonly resetDelayMs: number;
  /** From reset until the SMP server runs, without what the bootloader does to flash. */
  readonly bootMs: number;
  /** From the start of a trial image until it confirms itself or crashes, when it does. */
  readonly trialMs: number;
}

/** Paces by name. */
export const PACES = {
  /** No waiting at all; everything still happens asynchronously. */
  instant: {
    requestMs: 0,
    linkBytesPerSecond: 0,
    erasePageMs: 0,
    writeBytesPerSecond: 0,
    resetDelayMs: 0,
    bootMs: 0,
    trialMs: 0,
  },
  /** For watching: an update of 400 KB takes about ten seconds. */
  brisk: {
    requestMs: 2,
    linkBytesPerSecond: 100_000,
    erasePageMs: 8,
    writeBytesPerSecond: 1_000_000,
    resetDelayMs: 250,
    bootMs: 400,
    trialMs: 1_500,
  },
  /**
   * An nRF52840 over Bluetooth LE: its product specification gives 85 ms per page erased and 41 µs per word written;
   * 250 ms is CONFIG_MCUMGR_GRP_OS_RESET_MS.
   */
  real: {
    requestMs: 5,
    linkBytesPerSecond: 36_000,
    erasePageMs: 85,
    writeBytesPerSecond: 97_000,
    resetDelayMs: 250,
    bootMs: 1_000,
    trialMs: 5_000,
  },
} as const satisfies Record<string, Pace>;

/** A key of {@link PACES}. */
export type PaceName = keyof typeof PACES;

/** How long `bytes` take at a rate; a rate of 0 is no limit. */
export function transferMs(bytes: number, bytesPerSecond: number): number {
  return bytesPerSecond === 0 ? 0 : (bytes * 1000) / bytesPerSecond;
}
