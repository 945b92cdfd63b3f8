import { existsSync, readdirSync, readlinkSync } from "node:fs";
import { tmpdir } from "node:os";

/** Firmware files and temporary files that are there or held open. */
export function heldFiles(): string[] {
  const descriptors = existsSync("/proc/self/fd") ? readdirSync("/proc/self/fd") : [];
  const open = descriptors.flatMap((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return []; // The one that listed the directory.
    }
  });
  return [...open, ...readdirSync(tmpdir())].filter((name) => /smp-firmware-|test\/images/.test(name));
}
