/** Sends any command: one of the table by its name, or a raw one by its numbers. */
import {
  anyCommand,
  describeCommands,
  requestAny,
  requestFromJson,
  type AnyCommand,
  type RawCommand,
} from "../src/index";
import { mismatch, oneOf, optionalNumber, setting, wholeNumber, type Field } from "./runtime/checks";
import type { Job, Outcome } from "./runtime/job";
import { runStep } from "./runtime/node";
import { recordOf, type FlowNode, type NodeAPI, type NodeDef } from "./runtime/red";

interface RequestConfig extends NodeDef {
  /** "read" or "write", of a raw command. */
  readonly op?: string;
  readonly group?: string | number;
  readonly commandId?: string | number;
  readonly repeat?: boolean;
  /** "" for the command's own. */
  readonly timeoutMs?: string | number;
}

/** In place of a name: the numbers beside it count. */
const RAW = "raw";
const TIMEOUT_RANGE_MS = [100, 600_000] as const;

export default function (RED: NodeAPI): void {
  const register = function (this: FlowNode, config: RequestConfig): void {
    RED.nodes.createNode(this, config);
    runStep(RED, this, config, { name: "request", errorOutput: 1, work: (job) => request(job, config) });
  };
  // The edit form offers the rows of the one table.
  const settings = { smpRequestCommands: { value: describeCommands(), exportable: true } };
  RED.nodes.registerType("smp-request", register, { settings });
}

async function request(job: Job, config: RequestConfig): Promise<Outcome> {
  const target = job.target();
  const command = await commandOf(job, config);
  const { field, value = {} } = await job.input("request");
  const asked = requestFromJson(command, value, field.origin ?? field.name);
  const timeoutMs = optionalNumber(setting("timeoutMs"), config.timeoutMs, TIMEOUT_RANGE_MS);
  const options = { signal: job.signal, timeoutMs };
  const payload = await job.use(target, async (device) => requestAny(await device.session(job.signal), asked, options));
  const { name, op, group, id } = command;
  return { payload, smp: { request: { command: name, op, group, id } }, text: job.words.own("done") };
}

async function commandOf(job: Job, config: RequestConfig): Promise<AnyCommand> {
  const { field, value } = await job.input("command");
  if (value === RAW) return anyCommand(rawOf(config, setting));
  if (typeof value === "string") return anyCommand(value);
  if (typeof value !== "object") throw mismatch(field, "a command's name, or an object with op, group and id", value);
  const { repeatable, ...numbers } = recordOf(value);
  const part = (name: string): Field => ({ name, code: "SMP_BAD_INPUT", origin: `${field.origin}.${name}` });
  return anyCommand(rawOf({ ...numbers, commandId: numbers["id"], repeat: repeatable }, part));
}

function rawOf(given: { [K in keyof RequestConfig]?: unknown }, field: (name: string) => Field): RawCommand {
  return {
    op: oneOf(field("op"), given.op, ["read", "write"]),
    group: wholeNumber(field("group"), given.group, [0, 0xffff]),
    id: wholeNumber(field("id"), given.commandId, [0, 0xff]),
    repeatable: given.repeat === true,
  };
}
