/** The shapes in which an error leaves a node. */
import { messageOf, SmpError, type SmpErrorReport } from "../../src/index";
import { recordOf, type FlowMessage, type FlowNode } from "./red";

/** What was known where it failed; the error's own facts come first. */
export interface FailureContext {
  readonly phase: string;
  readonly device: string | undefined;
}

/** Puts `msg.smp.error` into the message, and the verdict if there is one; what else is in `msg.smp` stays. */
export function markFailed(msg: FlowMessage, error: SmpError, context: FailureContext): void {
  const { phase, device } = context;
  const report: SmpErrorReport = { ...(device !== undefined && { device }), phase, ...error.report() };
  const { verdict } = error.details;
  msg.smp = { ...recordOf(msg.smp), ...(verdict !== undefined && { verdict }), error: report };
}

/** `msg.error` as a Catch node would give it, for the error output. */
export function catchShape(error: SmpError, node: FlowNode): Record<string, unknown> {
  const cause = causeOf(error);
  return {
    message: error.message,
    code: error.code,
    ...(cause !== undefined && { cause }),
    source: { id: node.id, type: node.type, name: node.name, count: 1 },
  };
}

/** The error for `done()`: Node-RED copies message, code, cause and stack of it to Catch nodes, and logs its text. */
export function catchableError(error: SmpError): Error {
  const cause = causeOf(error);
  const catchable = new Error(error.message);
  // Node-RED shows String(error); without a name that is the message alone, as on the error output.
  catchable.name = "";
  Object.assign(catchable, { code: error.code, stack: error.stack }, cause !== undefined && { cause });
  return catchable;
}

/** Takes away what these nodes wrote about an earlier failure of a message that is all right now. */
export function forgetFailure(msg: FlowMessage): void {
  const { error: _, ...smp } = recordOf(msg.smp);
  msg.smp = smp;
  const { type } = recordOf(recordOf(msg["error"])["source"]);
  if (typeof type === "string" && type.startsWith("smp-")) delete msg["error"];
}

/** Plain data: what the device answered, or the text of what lies beneath. */
function causeOf(error: SmpError): Record<string, unknown> | string | undefined {
  const { rc, group, rcName, reason, off } = error.details;
  if (rc === undefined) return error.cause === undefined ? undefined : messageOf(error.cause);
  return {
    ...(rcName !== undefined && { name: rcName }),
    ...(group !== undefined && { group }),
    rc,
    ...(reason !== undefined && { reason }),
    ...(off !== undefined && { off }),
  };
}
