/** The Node-RED that the tests run on: the dev dependency, or the one that NODE_RED_PATH names (CI's other round). */
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

export const packageDir = join(__dirname, "..");

/** Folder of the package `node-red`. */
export const nodeRedDir = process.env["NODE_RED_PATH"] ?? dirname(require.resolve("node-red/package.json"));

const nodeRedRequire = createRequire(join(nodeRedDir, "package.json"));

export const nodeRedVersion = (nodeRedRequire("./package.json") as { version: string }).version;

/** What `helper.init` of the test helper takes. */
export const runtimePath = nodeRedRequire.resolve(nodeRedDir);

/** Events of the runtime that the test helper runs. */
export const runtimeEvents = (nodeRedRequire("@node-red/util") as { events: NodeJS.EventEmitter }).events;

/** Loads one of Node-RED's own nodes, e.g. "common/20-inject". */
export function coreNode(file: string): NodeModule {
  const folder = dirname(nodeRedRequire.resolve("@node-red/nodes"));
  return nodeRedRequire(join(folder, "core", `${file}.js`)) as NodeModule;
}

/** What Node-RED calls with its API; `helper.load` takes a list of these. */
export type NodeModule = (RED: unknown) => void;

/** One node of a flow file. */
export interface FlowNode {
  id: string;
  type: string;
  name?: string;
  wires?: string[][];
  [property: string]: unknown;
}

export const exampleFiles = readdirSync(join(packageDir, "examples")).toSorted();

export function readExample(file: string): FlowNode[] {
  return JSON.parse(readFileSync(join(packageDir, "examples", file), "utf8")) as FlowNode[];
}
