/** From what a flow gives as firmware to a source that can be read. */
import { isAbsolute, resolve } from "node:path";
import { inspectFirmware, openFirmware, SmpError, type FirmwareInfo, type FirmwareSource } from "../../src/index";
import type { NodeAPI } from "./red";
import { isSampleName, resolveSample } from "./sample";
import type { Given } from "./checks";

export interface FirmwareOptions {
  readonly RED: NodeAPI;
  readonly given: Given;
  readonly signal: AbortSignal;
}

/**
 * Opens and inspects firmware, hands both to `work`, and closes it whatever happens.
 * @throws as openFirmware and inspectFirmware, naming the property; and what `work` throws
 */
export async function withFirmware<T>(
  { RED, given, signal }: FirmwareOptions,
  work: (source: FirmwareSource, info: FirmwareInfo) => Promise<T>,
): Promise<T> {
  const { field, value } = given;
  const what = field.origin ?? field.name;
  const source = await openFirmware(located(RED, value), { signal, what });
  try {
    const named = nameSource(source, value, what);
    return await work(named, await inspect(named, what, signal));
  } finally {
    await source.close();
  }
}

async function inspect(source: FirmwareSource, field: string, signal: AbortSignal): Promise<FirmwareInfo> {
  try {
    return await inspectFirmware(source, { signal });
  } catch (thrown) {
    throw thrown instanceof SmpError ? thrown.with({ field }) : thrown;
  }
}

/** What the flow calls it, where the library cannot know that. */
function nameSource(source: FirmwareSource, value: unknown, what: string): FirmwareSource {
  const isSample = typeof value === "string" && isSampleName(value.trim());
  if (!isSample && !(value instanceof Uint8Array)) return source;
  return {
    label: isSample ? value.trim() : `${what} (${source.label})`,
    sizeBytes: source.sizeBytes,
    read: (offBytes, lengthBytes) => source.read(offBytes, lengthBytes),
    close: () => source.close(),
  };
}

function located(RED: NodeAPI, value: unknown): unknown {
  if (typeof value !== "string") return value;
  const path = resolveSample(value.trim());
  // As the file nodes of Node-RED take a relative path.
  const { fileWorkingDirectory } = RED.settings as { fileWorkingDirectory?: unknown };
  if (path === "" || isAbsolute(path) || typeof fileWorkingDirectory !== "string") return path;
  return resolve(fileWorkingDirectory, path);
}
