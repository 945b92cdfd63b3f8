/** Which files may be read and which keys must have signed: settings of a pool, and `smpDfu` of settings.js. */
import {
  loadPublicKeys,
  readKeySetting,
  SmpError,
  type FolderLimits,
  type KeySetting,
  type PublicKey,
} from "../../src/index";
import { linesOf } from "./checks";
import { fromWorkingDirectory } from "./paths";
import { recordOf, type NodeAPI } from "./red";

export interface Demands {
  readonly keys: KeySetting;
  /** Undefined: the pool allows every folder. */
  readonly folders: readonly string[] | undefined;
}

export const NO_DEMANDS: Demands = { keys: { pasted: [], paths: [] }, folders: undefined };

/** From the pool's settings `keys` and `folders`. @throws SMP_BAD_SETTING */
export function readDemands(config: object): Demands {
  const { keys, folders } = recordOf(config);
  const lines = linesOf(textOf(folders, "folders"));
  return { keys: readKeySetting(textOf(keys, "keys")), folders: lines.length > 0 ? lines : undefined };
}

/** The keys of which one must have signed a firmware; none: any firmware will do. @throws SMP_BAD_SETTING */
export function publicKeys(
  RED: NodeAPI,
  { keys, folders }: Demands,
  signal: AbortSignal,
): Promise<readonly PublicKey[]> {
  const paths = keys.paths.map((path) => fromWorkingDirectory(RED, path));
  return loadPublicKeys({ ...keys, paths }, { folders: folderLimits(RED, folders), signal });
}

/** What settings.js allows, the pool can only narrow down. @throws SMP_BAD_SETTING */
export function folderLimits(RED: NodeAPI, ofPool: Demands["folders"]): FolderLimits {
  const ofAll = foldersOfSettings(RED);
  const limits = [ofAll, ofPool].filter((folders) => folders !== undefined);
  return limits.map((folders) => folders.map((folder) => fromWorkingDirectory(RED, folder)));
}

/** `smpDfu: { firmwareFolders: ["/data/firmware"] }`, also a single path. */
function foldersOfSettings(RED: NodeAPI): readonly string[] | undefined {
  const { firmwareFolders: given } = recordOf(recordOf(RED.settings)["smpDfu"]);
  if (given === undefined) return undefined;
  const folders: unknown[] = Array.isArray(given) ? given : [given];
  if (folders.every((folder) => typeof folder === "string" && folder !== "")) return folders as string[];
  throw new SmpError("SMP_BAD_SETTING", "smpDfu.firmwareFolders in settings.js must be a path or a list of paths", {
    field: "smpDfu.firmwareFolders",
  });
}

function textOf(value: unknown, field: string): string {
  if (value === undefined || value === null) return "";
  if (typeof value !== "string") throw new SmpError("SMP_BAD_SETTING", `${field} must be text`, { field });
  if (/^\$\{[^}]+\}$/.test(value)) {
    // Node-RED leaves the reference in place when the variable does not exist; nothing to check would be no protection.
    throw new SmpError("SMP_BAD_SETTING", `${field} is ${value}, which is not set`, { field });
  }
  return value;
}
