/** Config node: the devices that are reached over one kind of link, and the sessions with them. */
import type { Node } from "node-red";
import { becomePool } from "./runtime/pool";
import type { PoolConfig } from "./runtime/pool-settings";
import { serveScan } from "./runtime/scan-endpoint";
import type { NodeAPI } from "./runtime/red";

export default function (RED: NodeAPI): void {
  serveScan(RED);
  RED.nodes.registerType("smp-pool", function (this: Node, config: PoolConfig) {
    RED.nodes.createNode(this, config);
    becomePool(RED, this, config);
  });
}
