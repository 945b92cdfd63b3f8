declare module "node-red-node-test-helper" {
  import type { Node } from "node-red";

  interface FlowNode {
    id: string;
    type: string;
    [property: string]: unknown;
  }

  interface TestHelper {
    /** @param runtimePath main file of the package `node-red` */
    init(runtimePath?: string, settings?: object): void;
    settings(settings: object): object;
    /** @param nodes what Node-RED calls with its API, one per node type or set */
    load(nodes: unknown, flow: readonly FlowNode[], credentials?: object): Promise<void>;
    setFlows(flow: readonly FlowNode[], type?: "full" | "flows" | "nodes"): Promise<void>;
    clearFlows(): Promise<void>;
    unload(): Promise<void>;
    getNode(id: string): Node;
    startServer(done?: () => void): Promise<void>;
    stopServer(done?: () => void): Promise<void>;
    log(): { args: [{ level: number; id?: string; type?: string; msg: unknown }][] };
  }

  const helper: TestHelper;
  export = helper;
}
