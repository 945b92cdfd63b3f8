/** Node-RED as the nodes see it: its published types, and what they lack. */
import type { Node, NodeAPI, NodeDef, NodeMessage, NodeMessageInFlow } from "node-red";

export type { NodeAPI, NodeDef, NodeMessage };

/** A node on a flow with its wires, which a deploy may change while the node lives. */
export interface FlowNode extends Node {
  wires: string[][];
}

/** A message as it arrives; nothing in it can be trusted. */
export interface FlowMessage extends NodeMessageInFlow {
  smp?: unknown;
  action?: unknown;
}

export type Send = (messages: (NodeMessage | null)[]) => void;
export type Done = (error?: Error) => void;

/** `{}` when it is none, so that what is missing reads as undefined. */
export function recordOf(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
