/** Values of typed inputs: a pair of properties, `x` and `xType`, in a node's configuration. */
import { messageOf, SmpError } from "../../src/index";
import type { Field, Given } from "./checks";
import { recordOf, type FlowMessage, type FlowNode, type NodeAPI } from "./red";

export interface TypedInput {
  /** As the edit dialog calls it; its type is in `<name>Type`. */
  readonly name: string;
  readonly value: unknown;
  readonly type: string;
}

export function typedInput(config: object, name: string): TypedInput {
  const properties = config as Record<string, unknown>;
  const type = properties[`${name}Type`];
  return { name, value: properties[name], type: typeof type === "string" && type !== "" ? type : "str" };
}

/**
 * Evaluates it for a message; context stores and JSONata may take their time.
 * @throws SMP_BAD_INPUT when it cannot be evaluated
 */
export async function evaluateTypedInput(
  RED: NodeAPI,
  node: FlowNode,
  msg: FlowMessage,
  input: TypedInput,
): Promise<Given> {
  const field = fieldOf(input);
  // Node-RED takes an empty number for 0.
  if (input.value === undefined || input.value === "" || input.type === "none") return { value: undefined, field };
  const value = await evaluate(RED, node, msg, input).catch((thrown: unknown) => {
    throw new SmpError(
      "SMP_BAD_INPUT",
      `${input.name} cannot be read from ${field.origin ?? `the ${input.type}`}: ${messageOf(thrown)}`,
      {
        field: field.origin ?? input.name,
        cause: thrown,
      },
    );
  });
  return { value: value === null || value === "" ? undefined : value, field };
}

function evaluate(RED: NodeAPI, node: FlowNode, msg: FlowMessage, { value, type }: TypedInput): Promise<unknown> {
  const text = String(value);
  // Not evaluated as a number: what is none would be NaN in the error's message.
  if (type === "num" || type === "str") return Promise.resolve(value);
  if (type === "msg") return Promise.resolve(messageProperty(RED, msg, text));
  return new Promise((resolve, reject) => {
    RED.util.evaluateNodeProperty(text, type, node, msg, (error, result) => {
      if (error) reject(asError(error));
      else resolve(result);
    });
  });
}

/** JSONata's errors are plain objects with a message. */
function asError(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown;
  const { message } = recordOf(thrown);
  return new Error(typeof message === "string" ? message : String(thrown));
}

/** Undefined also when an object on the way is missing, for which Node-RED throws a TypeError. */
function messageProperty(RED: NodeAPI, msg: FlowMessage, path: string): unknown {
  try {
    return RED.util.getMessageProperty(msg, path);
  } catch (thrown) {
    if (thrown instanceof TypeError) return undefined;
    throw thrown;
  }
}

function fieldOf({ name, value, type }: TypedInput): Field {
  if (type === "str" || type === "num" || type === "json") return { name, code: "SMP_BAD_SETTING" };
  const origins: Record<string, string> = {
    msg: `msg.${String(value)}`,
    flow: `flow.${String(value)}`,
    global: `global.${String(value)}`,
    env: `the environment variable ${String(value)}`,
    jsonata: "its JSONata expression",
  };
  return { name, code: "SMP_BAD_INPUT", origin: origins[type] ?? `a ${type}` };
}
