import { readFileSync } from "node:fs";
import { messageOf, SmpError } from "../errors";
import type { CliOptions } from "./cli-options";
import { VirtualDevice } from "./device";
import { samplePath } from "./samples";

/**
 * The device that a command line describes.
 * @param log takes what the device does from then on
 * @throws SMP_BAD_SETTING for files that cannot be read or do not run; as {@link VirtualDevice}
 */
export function makeDevice({ files, ...options }: CliOptions, log: (line: string) => void): VirtualDevice {
  let hasStarted = false;
  const slots = {
    slot0: readImage("slot0", files.slot0 ?? samplePath("1.0.0")),
    slot1: readImage("slot1", files.slot1),
    image1Slot0: readImage("image1-slot0", files.image1Slot0),
    image1Slot1: readImage("image1-slot1", files.image1Slot1),
  };
  const device = new VirtualDevice({
    name: "virtual",
    ...options,
    ...slots,
    log: (line) => void (hasStarted && log(line)),
  });
  if (device.state === "off") {
    throw new SmpError("SMP_BAD_SETTING", `--slot0 ${files.slot0}: MCUboot finds no valid image in it`);
  }
  hasStarted = true;
  return device;
}

function readImage(option: string, path: string | undefined): Uint8Array | undefined {
  try {
    return path === undefined ? undefined : readFileSync(path);
  } catch (cause) {
    throw new SmpError("SMP_BAD_SETTING", `--${option} ${path} cannot be read: ${messageOf(cause)}`, { cause });
  }
}
