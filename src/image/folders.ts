/** Folders that files must lie below, wherever links lead. */
import { realpathSync } from "node:fs";
import { isAbsolute, relative, resolve, sep } from "node:path";
import { sourceError } from "./firmware-source";

/** Several lists: of each one, the file must lie below some folder. A list without folders allows no file at all. */
export type FolderLimits = readonly (readonly string[])[];

/**
 * The real path of a file, which is the one to open: the path itself may lead elsewhere a moment later.
 * @param what names the input in messages, e.g. "msg.firmware"
 * @throws SMP_FIRMWARE_SOURCE when it does not lie below the folders, without saying whether it exists; the system's error
 *   when it does not exist
 */
export function realPathWithin(path: string, what: string, limits: FolderLimits): string {
  if (limits.length === 0) return path;
  const refuse = (): never => {
    throw outsideError(path, what, limits);
  };
  // Of what is plainly elsewhere, nothing is looked at.
  const named = resolve(path);
  if (
    !limits.every((folders) =>
      folders.some((folder) => isBelow(named, resolve(folder)) || isBelow(named, real(folder))),
    )
  ) {
    refuse();
  }
  const found = realpathSync(path);
  return limits.every((folders) => folders.some((folder) => isBelow(found, real(folder)))) ? found : refuse();
}

function real(folder: string): string {
  try {
    return realpathSync(folder);
  } catch {
    return resolve(folder);
  }
}

function isBelow(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way !== "" && way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

function outsideError(path: string, what: string, limits: FolderLimits): Error {
  const folders = [...new Set(limits.flat())].join(", ");
  return sourceError(`cannot read ${what}: ${path} does not lie below the folders that files may be read from`, {
    hint:
      folders === ""
        ? "No folder is allowed: the settings name none."
        : `Move the file there, or allow its folder: ${folders}.`,
  });
}
