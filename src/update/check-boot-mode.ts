/** Whether the device's bootloader does with a firmware what is expected. Source: MCUboot `design.md`, Zephyr `enum mcuboot_mode`. */
import type { FirmwareInfo } from "../image/inspect";
import { BOOT_MODE } from "../smp/groups/os";
import type { CheckSubject, Finding } from "./checks";

const { DIRECT_XIP, DIRECT_XIP_REVERT, OVERWRITE_ONLY, RAM_LOAD, SINGLE_SLOT_RAM_LOAD, UNKNOWN } = BOOT_MODE;

const NAMES: ReadonlyMap<number, string> = new Map([
  [BOOT_MODE.SINGLE_SLOT, "has a single slot"],
  [BOOT_MODE.SWAP_SCRATCH, "swaps the slots by way of a scratch area, and can revert"],
  [OVERWRITE_ONLY, "overwrites the running image"],
  [BOOT_MODE.SWAP_MOVE, "swaps the slots by moving, and can revert"],
  [DIRECT_XIP, "runs an image in the slot where it lies"],
  [DIRECT_XIP_REVERT, "runs an image in the slot where it lies, and can revert"],
  [RAM_LOAD, "loads an image into RAM"],
  [BOOT_MODE.FIRMWARE_LOADER, "has one slot, which a firmware loader writes"],
  [SINGLE_SLOT_RAM_LOAD, "loads an image from a single slot into RAM"],
  [BOOT_MODE.SWAP_OFFSET, "swaps the slots with an offset, and can revert"],
]);

/** What these modes cannot take back. */
const WITHOUT_REVERT: ReadonlySet<number> = new Set([OVERWRITE_ONLY, DIRECT_XIP, RAM_LOAD]);
const WITH_ONE_SLOT: ReadonlySet<number> = new Set([
  BOOT_MODE.SINGLE_SLOT,
  BOOT_MODE.FIRMWARE_LOADER,
  SINGLE_SLOT_RAM_LOAD,
]);

export function checkBootMode(subject: CheckSubject): Finding[] {
  if (subject.inRecovery) return inRecovery(subject);
  const { bootMode } = subject.device;
  const name = bootMode === undefined ? undefined : NAMES.get(bootMode);
  if (bootMode === undefined || bootMode === UNKNOWN || name === undefined) {
    const because =
      "how the bootloader installs an image, and whether it can revert, is unknown: the device does not tell its mode";
    return [{ check: "boot-mode", level: "unknown", because }];
  }
  return [modeItself(bootMode, `the bootloader ${name}`), ...buildFor(subject, bootMode)];
}

/** Source: MCUboot `boot_serial.c`, which decrypts only in builds with `BOOT_SERIAL_ENCRYPT`; `boot_select_or_erase` of direct-XIP. */
function inRecovery({ info }: CheckSubject): Finding[] {
  const because = "MCUboot's recovery writes over the image that runs: there is no trial, and no way back";
  const finding: Finding = { check: "boot-mode", level: "warn", because };
  const doubts = [
    ...(info.hashCheck === "encrypted" ? [SEALED] : []),
    ...(info.romFixed && !info.trailer ? [UNMARKED] : []),
  ];
  return [finding, ...doubts.map((doubt): Finding => ({ check: "boot-mode", level: "warn", because: doubt }))];
}

function modeItself(mode: number, name: string): Finding {
  const check = "boot-mode";
  if (WITHOUT_REVERT.has(mode)) return { check, level: "warn", because: `${name}: there is no trial, and no way back` };
  if (!WITH_ONE_SLOT.has(mode)) return { check, level: "ok", because: name };
  return { check, level: "warn", because: `${name}: an upload overwrites the firmware that is there` };
}

/** Whether the image was built for the mode. */
function buildFor({ info }: CheckSubject, mode: number): Finding[] {
  const isForRam = info.loadAddress !== undefined && !info.romFixed;
  if ((mode === RAM_LOAD || mode === SINGLE_SLOT_RAM_LOAD) && !isForRam) {
    const because = `${info.label} is not built to be loaded into RAM, and this bootloader boots nothing else`;
    return [{ check: "boot-mode", level: "refuse", because, error: { code: "SMP_BAD_IMAGE", hint: RAM_HINT } }];
  }
  const doubt = mode === DIRECT_XIP || mode === DIRECT_XIP_REVERT ? doubtInPlace(info) : doubtMoved(info);
  return doubt === undefined ? [] : [{ check: "boot-mode", level: "warn", because: doubt }];
}

/** Of an image that runs in the slot it was uploaded to. */
function doubtInPlace({ hashCheck, romFixed }: FirmwareInfo): string | undefined {
  if (hashCheck === "encrypted") return "the image is encrypted, and MCUboot decrypts nothing that runs where it lies";
  if (romFixed) return undefined;
  return "it must be built for the slot that is free now; the image does not say for which it is";
}

/** Of an image that the bootloader brings to another place. */
function doubtMoved({ romFixed, loadAddress = 0 }: FirmwareInfo): string | undefined {
  if (!romFixed) return undefined;
  return `it is built for the address 0x${loadAddress.toString(16)} alone, and runs there only`;
}

const SEALED = "the image is encrypted, which only a recovery that is built to decrypt can make run";
const UNMARKED =
  "it has no trailer: if the bootloader is for direct-XIP and can revert, it erases the image rather than boot it; sign it with --pad --confirm for that";
const RAM_HINT = "Sign it for RAM loading: imgtool sign --load-addr ADDRESS.";
