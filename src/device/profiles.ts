/**
 * How SMP servers of different versions and builds differ, as data: a profile names only what sets it apart from
 * {@link CURRENT}. Sources: Zephyr's release notes and Kconfig, and the recordings in test/recordings.
 */
import { GROUP } from "../smp/command";

/** MCUboot's serial recovery (boot/boot_serial/src/boot_serial.c). */
export interface RecoveryProfile {
  /** BOOT_SERIAL_MAX_RECEIVE_SIZE: one whole frame, with 4 bytes more on a serial line. */
  readonly bufSize: number;
  /** BOOT_MGMT_MCUMGR_PARAMS. */
  readonly parameters: boolean;
  /** BOOT_MGMT_ECHO, off by default. */
  readonly echo: boolean;
  /** Flash alignment: what does not fill it up is asked for again. */
  readonly alignBytes: number;
  /** MCUBOOT_SERIAL_DIRECT_IMAGE_UPLOAD: `image` 0 and 1 mean slot 0, 2 slot 1, 3 slot 0 of image 1 … */
  readonly directUpload: boolean;
  /** Whether an upload is listed though the boot found no image. MCUboot for RAM loading has opened no slot then. */
  readonly listsFirstImage: boolean;
  /** MCUBOOT_SERIAL_IMG_GRP_IMAGE_STATE: flags in the list, much as an application's. */
  readonly imageState?: boolean;
}

/** How a build of the server behaves. */
export interface Profile {
  /** As OS info tells it. */
  readonly kernelVersion: string;
  /** v1 servers do not look at the version bits; v2 ones are built without the original protocol. */
  readonly smp: "v1" | "v1-and-v2" | "v2";
  readonly groupErrorKey: "err" | "ret";
  /** CONFIG_MCUMGR_SMP_LEGACY_RC_BEHAVIOUR: `rc: 0` in every success. */
  readonly rcInSuccess: boolean;
  /** CONFIG_MCUMGR_SMP_VERBOSE_ERR_RESPONSE: `rsn` texts beside `rc`. */
  readonly verboseErrors: boolean;
  /** Maps and lists of indefinite length, as zcbor writes them by default. */
  readonly indefinite: boolean;
  /** CONFIG_MCUMGR_TRANSPORT_NETBUF_SIZE: a whole frame with its header. */
  readonly bufSize: number;
  readonly bufCount: number;
  /** Which optional commands are built in. */
  readonly parameters: boolean;
  readonly info: boolean;
  readonly bootloaderInfo: boolean;
  readonly slotInfo: boolean;
  readonly setState: boolean;
  /** Whether `boot_mode` of a reset is looked at. */
  readonly bootMode: boolean;
  /** Slot info tells the largest image, and larger ones are refused (CONFIG_MCUMGR_GRP_IMG_TOO_LARGE_*). */
  readonly maxImageSize: boolean;
  /** CONFIG_IMG_ENABLE_IMAGE_CHECK: `match` at the end of an upload, and an end after one chunk if flash matches. */
  readonly imageCheck: boolean;
  /** CONFIG_IMG_ERASE_PROGRESSIVELY: pages are erased when data first reaches them. */
  readonly progressiveErase: boolean;
  /** CONFIG_MCUMGR_GRP_IMG_DIRECT_UPLOAD: `image` n > 0 names the absolute slot n − 1. */
  readonly directUpload: boolean;
  readonly allowErasePending: boolean;
  /** CONFIG_MCUMGR_GRP_IMG_ALLOW_CONFIRM_NON_ACTIVE_SLOT. */
  readonly allowConfirmNonActiveSlot: boolean;
  /** State read and write as in Zephyr up to 3.3. */
  readonly legacyState: boolean;
  /** CONFIG_MCUMGR_GRP_IMG_FRUGAL_LIST: flags only when true. */
  readonly frugalList: boolean;
  /** Whether `active` is shown for every image, or for image 0 alone. */
  readonly activeOnEveryImage: boolean;
  readonly eraseResetsUpload: boolean;
  /** Image group code for the erase of a blank slot; 0 is success. */
  readonly eraseBlankRc: number;
  /** Image group code for the erase of a slot that does not exist. */
  readonly eraseUnknownSlotRc: number;
  /** The statistics list carries `rc: 0` though nothing else does. */
  readonly rcInStatisticsList: boolean;
  readonly unknownStatistics: { readonly group: number; readonly rc: number; readonly v1Rc?: number };
  /** What MCUboot offers when there is no valid image or a reset asks for it; undefined: nothing. */
  readonly recovery: RecoveryProfile | undefined;
  readonly startsInRecovery: boolean;
}

const RECOVERY: RecoveryProfile = {
  bufSize: 1024,
  parameters: true,
  echo: false,
  alignBytes: 8,
  directUpload: false,
  listsFirstImage: true,
};

/** Zephyr 4.4 as Nordic's samples configure it: large buffers, MCUmgr parameters, bootloader and slot info. */
const CURRENT: Profile = {
  kernelVersion: "4.4.0",
  smp: "v1-and-v2",
  groupErrorKey: "err",
  rcInSuccess: false,
  verboseErrors: false,
  indefinite: true,
  bufSize: 2475,
  bufCount: 4,
  parameters: true,
  info: true,
  bootloaderInfo: true,
  slotInfo: true,
  setState: true,
  bootMode: true,
  maxImageSize: true,
  imageCheck: true,
  progressiveErase: false,
  directUpload: false,
  allowErasePending: true,
  allowConfirmNonActiveSlot: true,
  legacyState: false,
  frugalList: false,
  activeOnEveryImage: true,
  eraseResetsUpload: true,
  eraseBlankRc: 0,
  eraseUnknownSlotRc: 14,
  rcInStatisticsList: false,
  unknownStatistics: { group: GROUP.STAT, rc: 3 },
  recovery: RECOVERY,
  startsInRecovery: false,
};

/** What came with the releases after 3.5: bootloader info, slot info, boot modes; the size and image checks. */
const OLDER = {
  bootloaderInfo: false,
  slotInfo: false,
  bootMode: false,
  maxImageSize: false,
  imageCheck: false,
  allowErasePending: false,
  activeOnEveryImage: false,
  recovery: undefined,
} as const;

/** Recordings os-and-errors, upload and lifecycle: Zephyr 3.4.99, which became 3.5. */
const ZEPHYR_3_5: Profile = {
  ...CURRENT,
  ...OLDER,
  kernelVersion: "3.4.99",
  verboseErrors: true,
  bufSize: 1024,
  bufCount: 2,
  eraseBlankRc: 1,
  eraseUnknownSlotRc: 10,
  rcInStatisticsList: true,
  unknownStatistics: { group: GROUP.BASIC, rc: 3, v1Rc: 1 },
};

/** Builds of real servers, as recorded. */
export const PROFILES = {
  "zephyr-4.4": CURRENT,
  "zephyr-3.5": ZEPHYR_3_5,
  /** Zephyr 3.4: the first with SMP v2; its group errors came under the key `ret`. */
  "zephyr-3.4": { ...ZEPHYR_3_5, kernelVersion: "3.4.0", groupErrorKey: "ret" },
  /**
   * Zephyr 3.2: SMP v1 only, `rc: 0` in every success, no OS info, an erase leaves the upload session open
   * (zephyr issue 51841), default buffers.
   */
  "zephyr-3.2": {
    ...CURRENT,
    ...OLDER,
    kernelVersion: "3.2.0",
    smp: "v1",
    rcInSuccess: true,
    bufSize: 384,
    info: false,
    legacyState: true,
    eraseResetsUpload: false,
    eraseUnknownSlotRc: 10,
  },
  /** Recording serial-recovery: MCUboot's recovery, and a small application (RAM load) beside it. */
  "mcuboot-recovery": {
    ...CURRENT,
    kernelVersion: "4.4.99",
    bufSize: 384,
    bootloaderInfo: false,
    setState: false,
    maxImageSize: false,
    startsInRecovery: true,
  },
} as const satisfies Record<string, Profile>;

/** A key of {@link PROFILES}. */
export type ProfileName = keyof typeof PROFILES;
