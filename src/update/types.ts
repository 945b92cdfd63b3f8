/** Data of an update, in the shapes that scripts and messages see: plain, hashes in hex, sizes and offsets in bytes. */

import type { ServedFrom } from "../image/firmware-source";
import type { Finding } from "./checks";

/** One slot of the device as the state list shows it, with every flag present. */
export interface SlotState {
  readonly image: number;
  readonly slot: number;
  /** imgtool's form, "1.2.3+4"; as the device gives it when it is no version. */
  readonly version: string;
  /** MCUboot's hash TLV in hex; "" when the device does not tell. */
  readonly hash: string;
  readonly bootable: boolean;
  /** Selected for the next boot. */
  readonly pending: boolean;
  /** Will keep running, or is what a trial falls back to. */
  readonly confirmed: boolean;
  /** Running now. */
  readonly active: boolean;
  /** The pending selection needs no confirmation. */
  readonly permanent: boolean;
}

/** Lower image and slot first. Slots without a readable image are absent. */
export type ImageState = readonly SlotState[];

/** What is known of the wanted firmware once its file was read: `msg.smp.firmware`. */
export interface Firmware {
  readonly label: string;
  readonly version: string;
  /** MCUboot's hash TLV in hex, as the state list will show it. */
  readonly hash: string;
  /** SHA-256 of the whole file in hex, sent as `sha`. */
  readonly fileSha256: string;
  readonly sizeBytes: number;
  /** Image number it is for. */
  readonly image: number;
  /** The hash that the list shows once a compressed image is installed; absent when it stays the same. */
  readonly installedHash?: string;
}

/** Which version an image has, or will have. */
export interface InstalledVersion {
  readonly image: number;
  /** "1.2.3+4". */
  readonly version: string;
}

/** Names an image on a device; a {@link Firmware} is one. */
export type WantedImage = Pick<Firmware, "hash" | "image" | "installedHash">;

/** Where a device stands with respect to a wanted image, told from its state. */
export type Verdict =
  | "confirmed"
  | "testing"
  | "reverted"
  | "rejected-by-bootloader"
  | "not-swapped"
  | "already-current"
  | "refused-downgrade"
  | "unreachable-after-reset"
  | "failed";

/** How an update of a device ended: a {@link Verdict}; or the image only lies in its slot, as was asked; or it was never begun. */
export type UpdateVerdict = Verdict | "uploaded" | "not-started";

/** "reconnecting": the link was lost, and the upload goes on where it stopped. */
export type UploadPhase = "checking" | "erasing" | "uploading" | "verifying" | "reconnecting";

/** Where an upload stands. */
export interface UploadProgress {
  readonly phase: UploadPhase;
  /** Bytes that the device has acknowledged. */
  readonly offBytes: number;
  readonly lenBytes: number;
  readonly bytesPerSecond: number;
  /** Estimated time to the end, undefined while unknown. */
  readonly etaMs: number | undefined;
  readonly retries: number;
}

/** What an upload did, and what it took. */
export interface UploadResult {
  readonly firmware: Firmware;
  /** "uploaded", or why nothing was sent. */
  readonly outcome: "uploaded" | "already-in-slot" | "already-current";
  readonly sentBytes: number;
  /** Offset at which an earlier upload was taken up; 0 for a fresh one, also when the device has lost the earlier one since. */
  readonly resumedFromBytes: number;
  /** How often the device had forgotten the upload meanwhile, mostly by a reboot, and got it from the beginning again. */
  readonly startedOver: number;
  readonly retries: number;
  readonly elapsedMs: number;
  /** Absent when the source does not tell. */
  readonly servedFrom?: ServedFrom;
  readonly images: ImageState;
  /** What was checked before the first byte; empty when the image runs already. */
  readonly checks: readonly Finding[];
}

/** How far an update came: bytes were sent; the image is in its slot; the next boot tries it; it runs unconfirmed. */
export const UNFINISHED_PHASES = ["uploading", "uploaded", "marked", "trial"] as const;
/** How far an update came. */
export type UnfinishedPhase = (typeof UNFINISHED_PHASES)[number];

/** An update that was begun, maybe before a restart, and has no verdict yet. */
export interface Unfinished {
  readonly phase: UnfinishedPhase;
  readonly firmware: Omit<Firmware, "label">;
  /** When it came to this phase, ISO 8601. */
  readonly at: string;
}

/** What a reset made of the images, with the states that prove it. */
export interface ResetResult {
  readonly before: ImageState;
  /** Empty when nobody waited for the device to come back. */
  readonly after: ImageState;
  /** From the reset's answer to the first answer after the boot. */
  readonly absentMs: number;
  /** Undefined when nobody waited for the device to come back. */
  readonly verdict: Verdict | undefined;
  /** The sentence that says why the verdict is what it is. */
  readonly because: string;
}
