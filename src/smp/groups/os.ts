/** OS group (0). https://docs.zephyrproject.org/latest/services/device_mgmt/smp_groups/smp_group_0.html */
import { command, GROUP, TIMEOUT_MS } from "../command";
import { anything, bool, int, optional, record, text, uint } from "../shape";

/** Echoes `d` as `r`. */
export const echo = command({
  name: "os.echo",
  op: "write",
  group: GROUP.OS,
  id: 0,
  request: { d: text },
  response: { r: text },
  repeatable: true,
  timeoutMs: TIMEOUT_MS.QUICK,
});

/** Not in Zephyr; MCUboot's serial recovery answers `rc: 0`, which makes it a probe for recovery mode. */
export const consoleEcho = command({
  name: "os.consoleEcho",
  op: "write",
  group: GROUP.OS,
  id: 1,
  request: { echo: optional(bool) },
  response: {},
  repeatable: true,
  timeoutMs: TIMEOUT_MS.QUICK,
});

export const taskStatistics = command({
  name: "os.taskStatistics",
  op: "read",
  group: GROUP.OS,
  id: 2,
  request: {},
  /** By task name: prio, tid, state and, as built, stksiz and stkuse in 4-byte words, runtime, cswcnt. */
  response: { tasks: record(record(anything)) },
  repeatable: true,
  timeoutMs: TIMEOUT_MS.FLASH,
});

/** "YYYY-MM-DDTHH:MM:SS", perhaps with a fraction; no time zone. */
export const readDateTime = command({
  name: "os.readDateTime",
  op: "read",
  group: GROUP.OS,
  id: 4,
  request: {},
  response: { datetime: text },
  repeatable: true,
  timeoutMs: TIMEOUT_MS.QUICK,
});

export const writeDateTime = command({
  name: "os.writeDateTime",
  op: "write",
  group: GROUP.OS,
  id: 4,
  request: { datetime: text },
  response: {},
  repeatable: true,
  timeoutMs: TIMEOUT_MS.QUICK,
});

/** The answer comes first, the reboot about 250 ms later (CONFIG_MCUMGR_GRP_OS_RESET_MS). */
export const reset = command({
  name: "os.reset",
  op: "write",
  group: GROUP.OS,
  id: 5,
  request: {
    /** Asks the application's reset hook to let it pass; an integer in Zephyr before 4.0. */
    force: optional(anything),
    /** See `RESET_INTO`; Zephyr 4.2 and later, ignored elsewhere. */
    boot_mode: optional(uint),
  },
  response: {},
  repeatable: false,
  timeoutMs: TIMEOUT_MS.FLASH,
});

/** What runs after a reset: `boot_mode` of the request (Zephyr's enum BOOT_MODE_TYPES). */
export const RESET_INTO = { APPLICATION: 0, BOOTLOADER: 1 } as const;

/** CONFIG_MCUMGR_GRP_OS_MCUMGR_PARAMS, off by default: rc 8 is a normal answer. */
export const parameters = command({
  name: "os.parameters",
  op: "read",
  group: GROUP.OS,
  id: 6,
  request: {},
  response: {
    /** Bytes of one server buffer, which holds a whole SMP frame with its header (on serial also 4 bytes more). */
    buf_size: uint,
    /** Buffers of the whole server; the request being answered holds two. */
    buf_count: uint,
  },
  repeatable: true,
  timeoutMs: TIMEOUT_MS.FIRST_QUESTION,
});

/** `format`: letters as of `uname`: s n r v b m p i o, a = all. */
export const info = command({
  name: "os.info",
  op: "read",
  group: GROUP.OS,
  id: 7,
  request: { format: optional(text) },
  response: { output: text },
  repeatable: true,
  timeoutMs: TIMEOUT_MS.QUICK,
});

/** No query: the bootloader's name. Query "mode": how MCUboot updates (see `BOOT_MODE`). */
export const bootloaderInfo = command({
  name: "os.bootloaderInfo",
  op: "read",
  group: GROUP.OS,
  id: 8,
  request: { query: optional(text) },
  response: { bootloader: optional(text), mode: optional(int), "no-downgrade": optional(bool) },
  repeatable: true,
  timeoutMs: TIMEOUT_MS.QUICK,
});

/** Answers of bootloader info, query "mode" (MCUboot's enum mcuboot_mode). */
export const BOOT_MODE = {
  UNKNOWN: -1,
  SINGLE_SLOT: 0,
  SWAP_SCRATCH: 1,
  OVERWRITE_ONLY: 2,
  SWAP_MOVE: 3,
  DIRECT_XIP: 4,
  DIRECT_XIP_REVERT: 5,
  RAM_LOAD: 6,
  FIRMWARE_LOADER: 7,
  SINGLE_SLOT_RAM_LOAD: 8,
  SWAP_OFFSET: 9,
} as const;
