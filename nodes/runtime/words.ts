/** Texts that people see, by key; they stand in the locales only. */
import type { FlowNode, NodeAPI } from "./red";

export type WordValues = Record<string, string | number>;

export interface Words {
  /** A text of the node's own, `<type>.status.<key>` in its locale file. */
  own(key: string, values?: WordValues): string;
  /** A text that all nodes share, `smp-pool.status.<key>` in the pool's locale file. */
  shared(key: string, values?: WordValues): string;
}

/** Node-RED keeps texts by node set; this is the set of the pool node. */
const SHARED = "@smp-dfu/node-red/smp-pool:smp-pool";

export function wordsOf(RED: NodeAPI, node: FlowNode): Words {
  return {
    own: (key, values) => RED._(`${node.type}.status.${key}`, values),
    shared: (key, values) => RED._(`${SHARED}.status.${key}`, values),
  };
}
