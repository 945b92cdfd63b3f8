/** What the groups of the SMP server see of the device around them. */
import type { ImageStore } from "./image-store";
import type { Pace } from "./pace";
import type { Profile } from "./profiles";
import type { HookAnswer } from "./refusal";

/** What an application may object to; undefined lets it pass. */
export interface Hooks {
  /** MGMT_EVT_OP_OS_MGMT_RESET. */
  readonly reset?: ((request: { force: boolean }) => HookAnswer | undefined) | undefined;
  /** MGMT_EVT_OP_IMG_MGMT_DFU_CHUNK: each chunk that is about to be written. */
  readonly uploadChunk?:
    ((chunk: { off: number; lenBytes: number; dataBytes: number }) => HookAnswer | undefined) | undefined;
}

export interface Host {
  readonly name: string;
  readonly store: ImageStore;
  readonly profile: Profile;
  readonly pace: Pace;
  readonly hooks: Hooks;
  /** One of BOOT_MODE in the command table. */
  readonly bootloaderMode: number;
  /** MCUboot's downgrade prevention. */
  readonly noDowngrade: boolean;
  /** Start addresses of the slots by absolute number, for images that are linked to one; undefined: not checked. */
  readonly slotAddresses: readonly number[] | undefined;
  uptimeMs(): number;
  /** Reboots after the pace's delay. */
  resetSoon(bootMode: number): void;
  /** One line for people. */
  log(line: string): void;
}
