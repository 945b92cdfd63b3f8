/** Paths as the file nodes of Node-RED take them. */
import { isAbsolute, resolve } from "node:path";
import type { NodeAPI } from "./red";

/** A relative one from `fileWorkingDirectory` of settings.js. */
export function fromWorkingDirectory(RED: NodeAPI, path: string): string {
  const { fileWorkingDirectory } = RED.settings as { fileWorkingDirectory?: unknown };
  if (path === "" || isAbsolute(path) || typeof fileWorkingDirectory !== "string") return path;
  return resolve(fileWorkingDirectory, path);
}
