/** What a pool's settings say of its trace. */
import { isAbsolute, join, resolve } from "node:path";
import type { Node } from "node-red";
import { traceFile, type SessionPool, type TraceSink } from "../../src/index";
import type { NodeAPI } from "./red";

export interface TraceSettings {
  readonly to: "off" | "file";
  /** "": a file for the pool in the user directory. */
  readonly path: string;
  readonly maxBytes: number;
  readonly frames: TraceSink["frames"];
}

/** Relative paths are below Node-RED's user directory. */
function tracePath(RED: NodeAPI, poolId: string, path: string): string {
  if (isAbsolute(path)) return path;
  const { userDir } = RED.settings as { userDir?: unknown };
  const folder = typeof userDir === "string" ? userDir : process.cwd();
  return resolve(folder, path === "" ? join("smp-trace", `${poolId}.jsonl`) : path);
}

/**
 * Writes what the pool's sessions exchange, if that is wanted. A file that cannot be written is a warning of the pool node, once.
 * @returns ends it, once all is written
 */
export function beginTrace(RED: NodeAPI, node: Node, pool: SessionPool, settings: TraceSettings): () => Promise<void> {
  if (settings.to === "off") return () => Promise.resolve();
  const { maxBytes, frames } = settings;
  const path = tracePath(RED, node.id, settings.path);
  const file = traceFile({ path, maxBytes, frames, onFault: (message) => node.warn(message) });
  const stop = pool.trace(file);
  return async () => {
    stop();
    await file.close();
  };
}
