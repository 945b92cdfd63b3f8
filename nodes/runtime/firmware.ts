/** From what a flow gives as firmware to images that can be read. */
import { openFirmwarePackage, SmpError, type FirmwarePackage } from "../../src/index";
import { fileSha256, type Given } from "./checks";
import { folderLimits } from "./demands";
import { fromWorkingDirectory } from "./paths";
import type { PoolNode } from "./pool";
import { recordOf, type NodeAPI } from "./red";
import { isSampleName, resolveSample } from "./sample";

export interface FirmwareOptions {
  readonly RED: NodeAPI;
  readonly given: Given;
  /** Of which the settings count. */
  readonly pool: PoolNode;
  readonly signal: AbortSignal;
}

/**
 * Opens firmware of any kind, checks the images in it, hands them to `work`, and closes all whatever happens.
 * @throws as openFirmwarePackage, naming the property; and what `work` throws
 */
export async function withPackage<T>(
  { RED, given, pool, signal }: FirmwareOptions,
  work: (pack: FirmwarePackage) => Promise<T>,
): Promise<T> {
  const { field } = given;
  const value = contentOf(given.value);
  const what = field.origin ?? field.name;
  const pack = await openFirmwarePackage(located(RED, value), {
    signal,
    what,
    ...naming(value, what),
    ...limits(RED, pool, value),
  });
  try {
    return await work(pack);
  } finally {
    await pack.close();
  }
}

/** Firmware may come with what is expected of it: `{ data, sha256 }`. */
function contentOf(value: unknown): unknown {
  const { data, type } = recordOf(value);
  const isWrapped = data !== undefined && type !== "Buffer" && Object.getPrototypeOf(value) === Object.prototype;
  return isWrapped ? data : value;
}

/**
 * The SHA-256 that is expected of it: what the node's own input gives, or what came with the firmware.
 * @throws SMP_BAD_INPUT or SMP_BAD_SETTING when one is no SHA-256, or both are there and differ
 */
export function expectedSha256(firmware: Given, ofNode: Given): string | undefined {
  const origin = `${firmware.field.origin ?? firmware.field.name}.sha256`;
  const isWrapped = contentOf(firmware.value) !== firmware.value;
  const value = isWrapped ? recordOf(firmware.value)["sha256"] : undefined;
  const own = fileSha256({ value, field: { name: "sha256", code: "SMP_BAD_INPUT", origin } });
  const wanted = fileSha256(ofNode);
  if (own === undefined || wanted === undefined || own === wanted) return wanted ?? own;
  throw new SmpError("SMP_BAD_INPUT", `${origin} is ${own}, but the node expects ${wanted}`, { field: origin });
}

/** What the flow calls it, where the library cannot know that. */
function naming(value: unknown, what: string): { label?: string } {
  if (isSample(value)) return { label: value.trim() };
  return value instanceof Uint8Array ? { label: `${what} (a Buffer of ${value.length} bytes)` } : {};
}

/** The samples are the package's own. */
function limits(RED: NodeAPI, pool: PoolNode, value: unknown): { folders?: ReturnType<typeof folderLimits> } {
  return typeof value === "string" && !isSample(value) ? { folders: folderLimits(RED, pool.demands.folders) } : {};
}

function located(RED: NodeAPI, value: unknown): unknown {
  return typeof value === "string" ? fromWorkingDirectory(RED, resolveSample(value.trim())) : value;
}

function isSample(value: unknown): value is string {
  return typeof value === "string" && isSampleName(value.trim());
}
