/** From what a flow gives as firmware to a source that can be read. */
import { isAbsolute, resolve } from "node:path";
import { inspectFirmware, openFirmware, type FirmwareInfo, type FirmwareSource } from "../../src/index";
import type { NodeAPI } from "./red";
import { resolveSample } from "./sample";
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
    return await work(source, await inspectFirmware(source, { signal }));
  } finally {
    await source.close();
  }
}

function located(RED: NodeAPI, value: unknown): unknown {
  if (typeof value !== "string") return value;
  const path = resolveSample(value.trim());
  // As the file nodes of Node-RED take a relative path.
  const { fileWorkingDirectory } = RED.settings as { fileWorkingDirectory?: unknown };
  if (path === "" || isAbsolute(path) || typeof fileWorkingDirectory !== "string") return path;
  return resolve(fileWorkingDirectory, path);
}
