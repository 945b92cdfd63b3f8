/**
 * Every result code of every Zephyr group, as data. Names are those of Zephyr's headers
 * (include/zephyr/mgmt/mcumgr/**), without their prefix.
 */
import { GROUP } from "./command";

/** What a device means by a number. */
export interface ResultCode {
  readonly rc: number;
  readonly name: string;
  readonly meaning: string;
  /** The SMP-level code that a server gives a v1 client instead; 1 unless noted. */
  readonly v1?: number;
  /** What to do, where the meaning does not say it. */
  readonly hint?: string;
}

/** SMP-level codes, `enum mcumgr_err_t`. */
export const SMP_RC = {
  OK: 0,
  UNKNOWN: 1,
  NO_MEMORY: 2,
  INVALID: 3,
  TIMEOUT: 4,
  NO_ENTRY: 5,
  BAD_STATE: 6,
  TOO_LARGE: 7,
  NOT_SUPPORTED: 8,
  CORRUPT: 9,
  BUSY: 10,
  ACCESS_DENIED: 11,
  TOO_OLD: 12,
  TOO_NEW: 13,
  PER_USER: 256,
} as const;

/** Codes of the image group on which something depends here, `enum img_mgmt_err_code_t`. */
export const IMAGE_RC = {
  CURRENT_VERSION_IS_NEWER: 27,
  INVALID_IMAGE_TOO_LARGE: 30,
  IMAGE_CONFIRMATION_DENIED: 32,
} as const;

/** Whether a refusal says that a request was not served: the device had no time or memory for it, or not all of it arrived. */
export function isUnserved({ group, rc }: { readonly group?: number; readonly rc: number }): boolean {
  return isBusy({ ...(group !== undefined && { group }), rc }) || (group === undefined && rc === SMP_RC.CORRUPT);
}

/** Whether it says that the device had no time or memory. */
export function isBusy({ group, rc }: { readonly group?: number; readonly rc: number }): boolean {
  return group === undefined && (rc === SMP_RC.BUSY || rc === SMP_RC.NO_MEMORY);
}

export const SMP_CODES: readonly ResultCode[] = [
  { rc: 0, name: "EOK", meaning: "success" },
  { rc: 1, name: "EUNKNOWN", meaning: "unspecified failure", hint: "See the device's log." },
  {
    rc: 2,
    name: "ENOMEM",
    meaning: "no memory for the request or its answer",
    hint: "Use smaller frames, or enlarge the server's buffers.",
  },
  { rc: 3, name: "EINVAL", meaning: "an argument is invalid, or the body cannot be decoded" },
  { rc: 4, name: "ETIMEOUT", meaning: "the operation timed out on the device" },
  { rc: 5, name: "ENOENT", meaning: "no such entry" },
  {
    rc: 6,
    name: "EBADSTATE",
    meaning: "not possible in the present state",
    hint: "An image may be pending or on trial: read the image state.",
  },
  {
    rc: 7,
    name: "EMSGSIZE",
    meaning: "the answer does not fit the server's buffer",
    hint: "Enlarge the server's buffers.",
  },
  {
    rc: 8,
    name: "ENOTSUP",
    meaning: "the device does not support this command",
    hint: "The command is not built into the device's firmware.",
  },
  {
    rc: 9,
    name: "ECORRUPT",
    meaning: "the frame arrived incomplete",
    hint: "The frame is larger than the device's buffer or the link's MTU.",
  },
  { rc: 10, name: "EBUSY", meaning: "busy with another operation", hint: "Try again later." },
  {
    rc: 11,
    name: "EACCESSDENIED",
    meaning: "refused by the application",
    hint: "The device's firmware forbids this at the moment.",
  },
  { rc: 12, name: "UNSUPPORTED_TOO_OLD", meaning: "SMP v1 is not accepted", hint: "Use SMP v2." },
  { rc: 13, name: "UNSUPPORTED_TOO_NEW", meaning: "SMP v2 is not known", hint: "Use SMP v1." },
];

const OS: readonly ResultCode[] = [
  { rc: 1, name: "UNKNOWN", meaning: "unspecified failure" },
  { rc: 2, name: "INVALID_FORMAT", meaning: "the format string is invalid", v1: 3 },
  { rc: 3, name: "QUERY_YIELDS_NO_ANSWER", meaning: "the query has no answer", v1: 5 },
  { rc: 4, name: "RTC_NOT_SET", meaning: "the clock was never set", v1: 5 },
  { rc: 5, name: "RTC_COMMAND_FAILED", meaning: "the clock did not take the command" },
  { rc: 6, name: "QUERY_RESPONSE_VALUE_NOT_VALID", meaning: "the answer to the query is not valid" },
];

const IMAGE: readonly ResultCode[] = [
  { rc: 1, name: "UNKNOWN", meaning: "unspecified failure" },
  { rc: 2, name: "FLASH_CONFIG_QUERY_FAIL", meaning: "the flash configuration cannot be read" },
  { rc: 3, name: "NO_IMAGE", meaning: "there is no image in the slot", v1: 5 },
  { rc: 4, name: "NO_TLVS", meaning: "the image has no TLVs", v1: 5 },
  { rc: 5, name: "INVALID_TLV", meaning: "the image has an invalid TLV" },
  { rc: 6, name: "TLV_MULTIPLE_HASHES_FOUND", meaning: "the image has several hash TLVs" },
  { rc: 7, name: "TLV_INVALID_SIZE", meaning: "a TLV has a wrong size" },
  {
    rc: 8,
    name: "HASH_NOT_FOUND",
    meaning: "no slot holds an image with that hash",
    hint: "Upload the image first; use the image hash of the state list, not the file's SHA-256.",
  },
  {
    rc: 9,
    name: "NO_FREE_SLOT",
    meaning: "no free slot: it is in use",
    v1: 6,
    hint: "A trial or pending image holds the slot: confirm it, or reset the device.",
  },
  { rc: 10, name: "FLASH_OPEN_FAILED", meaning: "the flash area cannot be opened" },
  { rc: 11, name: "FLASH_READ_FAILED", meaning: "flash cannot be read" },
  { rc: 12, name: "FLASH_WRITE_FAILED", meaning: "flash cannot be written" },
  { rc: 13, name: "FLASH_ERASE_FAILED", meaning: "flash cannot be erased" },
  { rc: 14, name: "INVALID_SLOT", meaning: "there is no such slot", v1: 3 },
  { rc: 15, name: "NO_FREE_MEMORY", meaning: "out of memory", v1: 2 },
  { rc: 16, name: "FLASH_CONTEXT_ALREADY_SET", meaning: "the flash context is already set" },
  { rc: 17, name: "FLASH_CONTEXT_NOT_SET", meaning: "the flash context is not set" },
  { rc: 18, name: "FLASH_AREA_DEVICE_NULL", meaning: "the flash area has no device" },
  { rc: 19, name: "INVALID_PAGE_OFFSET", meaning: "the page offset is invalid", v1: 3 },
  { rc: 20, name: "INVALID_OFFSET", meaning: "off is missing", v1: 3 },
  { rc: 21, name: "INVALID_LENGTH", meaning: "len is missing", v1: 3 },
  { rc: 22, name: "INVALID_IMAGE_HEADER", meaning: "the image header is too short", v1: 3 },
  {
    rc: 23,
    name: "INVALID_IMAGE_HEADER_MAGIC",
    meaning: "the image header has no MCUboot magic",
    hint: "Upload the signed image, zephyr.signed.bin.",
  },
  { rc: 24, name: "INVALID_HASH", meaning: "the hash is missing or has a wrong length", v1: 3 },
  {
    rc: 25,
    name: "INVALID_FLASH_ADDRESS",
    meaning: "the image is built for another slot",
    v1: 3,
    hint: "Use the image built for the other slot's address.",
  },
  { rc: 26, name: "VERSION_GET_FAILED", meaning: "the running version cannot be read" },
  {
    rc: IMAGE_RC.CURRENT_VERSION_IS_NEWER,
    name: "CURRENT_VERSION_IS_NEWER",
    meaning: "the running version is the same or newer",
    v1: 6,
    hint: "Switch the version check off to install this version all the same.",
  },
  {
    rc: 28,
    name: "IMAGE_ALREADY_PENDING",
    meaning: "a change of image is already pending",
    v1: 6,
    hint: "Reset the device first.",
  },
  { rc: 29, name: "INVALID_IMAGE_VECTOR_TABLE", meaning: "the image's vector table is invalid" },
  {
    rc: IMAGE_RC.INVALID_IMAGE_TOO_LARGE,
    name: "INVALID_IMAGE_TOO_LARGE",
    meaning: "the image is too large for the slot",
    hint: "Build a smaller image.",
  },
  { rc: 31, name: "INVALID_IMAGE_DATA_OVERRUN", meaning: "more data came than was announced" },
  {
    rc: IMAGE_RC.IMAGE_CONFIRMATION_DENIED,
    name: "IMAGE_CONFIRMATION_DENIED",
    meaning: "confirming this image is not allowed",
    hint: "Test the image and reset first, then confirm.",
  },
  { rc: 33, name: "IMAGE_SETTING_TEST_TO_ACTIVE_DENIED", meaning: "the image to test is the one that is running" },
  { rc: 34, name: "ACTIVE_SLOT_NOT_KNOWN", meaning: "the device does not know its active slot" },
];

const STAT: readonly ResultCode[] = [
  { rc: 1, name: "UNKNOWN", meaning: "unspecified failure" },
  { rc: 2, name: "INVALID_GROUP", meaning: "there is no such statistics group", v1: 5 },
  { rc: 3, name: "INVALID_STAT_NAME", meaning: "there is no statistic of that name", v1: 5 },
  { rc: 4, name: "INVALID_STAT_SIZE", meaning: "a statistic has an invalid size", v1: 3 },
  { rc: 5, name: "WALK_ABORTED", meaning: "reading the statistics was aborted", v1: 2 },
];

const SETTINGS: readonly ResultCode[] = [
  { rc: 1, name: "UNKNOWN", meaning: "unspecified failure" },
  { rc: 2, name: "KEY_TOO_LONG", meaning: "the key is too long", v1: 3 },
  { rc: 3, name: "KEY_NOT_FOUND", meaning: "there is no such key", v1: 5 },
  { rc: 4, name: "READ_NOT_SUPPORTED", meaning: "the key cannot be read", v1: 5 },
  { rc: 5, name: "ROOT_KEY_NOT_FOUND", meaning: "there is no such root key" },
  { rc: 6, name: "WRITE_NOT_SUPPORTED", meaning: "the key cannot be written" },
  { rc: 7, name: "DELETE_NOT_SUPPORTED", meaning: "the key cannot be deleted" },
  { rc: 8, name: "SAVE_NOT_SUPPORTED", meaning: "settings cannot be saved" },
];

const FS: readonly ResultCode[] = [
  { rc: 1, name: "UNKNOWN", meaning: "unspecified failure" },
  { rc: 2, name: "FILE_INVALID_NAME", meaning: "the file name is invalid", v1: 3 },
  { rc: 3, name: "FILE_NOT_FOUND", meaning: "there is no such file", v1: 5 },
  { rc: 4, name: "FILE_IS_DIRECTORY", meaning: "it is a directory" },
  { rc: 5, name: "FILE_OPEN_FAILED", meaning: "the file cannot be opened" },
  { rc: 6, name: "FILE_SEEK_FAILED", meaning: "seeking in the file failed" },
  { rc: 7, name: "FILE_READ_FAILED", meaning: "the file cannot be read" },
  { rc: 8, name: "FILE_TRUNCATE_FAILED", meaning: "the file cannot be truncated" },
  { rc: 9, name: "FILE_DELETE_FAILED", meaning: "the file cannot be deleted" },
  { rc: 10, name: "FILE_WRITE_FAILED", meaning: "the file cannot be written" },
  { rc: 11, name: "FILE_OFFSET_NOT_VALID", meaning: "the offset is not the one expected" },
  { rc: 12, name: "FILE_OFFSET_LARGER_THAN_FILE", meaning: "the offset is beyond the end of the file" },
  { rc: 13, name: "CHECKSUM_HASH_NOT_FOUND", meaning: "there is no such checksum or hash type", v1: 3 },
  { rc: 14, name: "MOUNT_POINT_NOT_FOUND", meaning: "there is no such mount point", v1: 5 },
  { rc: 15, name: "READ_ONLY_FILESYSTEM", meaning: "the file system is read-only" },
  { rc: 16, name: "FILE_EMPTY", meaning: "the file is empty" },
];

const SHELL: readonly ResultCode[] = [
  { rc: 1, name: "UNKNOWN", meaning: "unspecified failure" },
  { rc: 2, name: "COMMAND_TOO_LONG", meaning: "the command is too long", v1: 3 },
  { rc: 3, name: "EMPTY_COMMAND", meaning: "the command is empty", v1: 3 },
];

const ENUMERATION: readonly ResultCode[] = [
  { rc: 1, name: "UNKNOWN", meaning: "unspecified failure" },
  { rc: 2, name: "TOO_MANY_GROUP_ENTRIES", meaning: "too many groups were asked for" },
  { rc: 3, name: "INSUFFICIENT_HEAP_FOR_ENTRIES", meaning: "out of memory" },
  { rc: 4, name: "INDEX_TOO_LARGE", meaning: "the index is too large" },
];

const BASIC: readonly ResultCode[] = [
  { rc: 1, name: "UNKNOWN", meaning: "unspecified failure" },
  { rc: 2, name: "FLASH_OPEN_FAILED", meaning: "the storage partition cannot be opened", v1: 5 },
  { rc: 3, name: "FLASH_CONFIG_QUERY_FAIL", meaning: "the flash configuration cannot be read", v1: 0 },
  { rc: 4, name: "FLASH_ERASE_FAILED", meaning: "the storage partition cannot be erased", v1: 0 },
];

/** Codes of `err.rc` by group id. */
export const GROUP_CODES: Readonly<Record<number, readonly ResultCode[]>> = {
  [GROUP.OS]: OS,
  [GROUP.IMAGE]: IMAGE,
  [GROUP.STAT]: STAT,
  [GROUP.SETTINGS]: SETTINGS,
  [GROUP.FS]: FS,
  [GROUP.SHELL]: SHELL,
  [GROUP.ENUMERATION]: ENUMERATION,
  [GROUP.BASIC]: BASIC,
};

/** What a code means; `group` undefined for an SMP-level code. Never fails: unknown codes are described as such. */
export function resultCode(rc: number, group?: number): ResultCode {
  const known = (group === undefined ? SMP_CODES : GROUP_CODES[group])?.find((code) => code.rc === rc);
  if (known) return known;
  if (rc >= SMP_RC.PER_USER || (group !== undefined && !GROUP_CODES[group])) {
    return {
      rc,
      name: "USER",
      meaning: "a code that the device's application defines",
      hint: "See the device's firmware.",
    };
  }
  return { rc, name: "UNLISTED", meaning: "a code that is not known here" };
}

/** The SMP-level code that Zephyr gives a v1 client for a group's code. */
export function translateToV1(group: number, rc: number): number {
  if (rc === SMP_RC.OK) return SMP_RC.OK;
  return GROUP_CODES[group]?.find((code) => code.rc === rc)?.v1 ?? SMP_RC.UNKNOWN;
}
