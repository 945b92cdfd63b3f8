/** A frame as a trace shows it: header, command, body and hex. */
import { messageOf } from "../errors";
import { findCommand } from "../smp/commands";
import { decodeHeader, HEADER_BYTES, OP } from "../smp/header";
import { decodeMessage } from "../smp/message";
import { describeBody, type Described } from "./described-body";
import type { FrameRecord, TracedHeader, TraceSink } from "./record";

type Description = Pick<FrameRecord, "bytes" | "header" | "command" | "body" | "fault" | "hex">;

/** Of a frame that is no SMP message. */
const SHOWN_BYTES = 16;
/** A shorter byte string may stand in the frame by chance, where it is not meant. */
const FINDABLE_BYTES = 16;

export function describeFrame(frame: Uint8Array, frames: TraceSink["frames"]): Description {
  const whole = frames === "whole" ? hexOf(frame) : undefined;
  const header = frame.length < HEADER_BYTES ? undefined : decodeHeader(frame);
  const command = header && commandOf(header);
  const known = { bytes: frame.length, ...(header && { header }), ...(command !== undefined && { command }) };
  try {
    const described = describeBody(decodeMessage(frame).body, command);
    return { ...known, body: described.body, hex: whole ?? hexWithout(frame, described) };
  } catch (fault) {
    const more = frame.length > SHOWN_BYTES ? "…" : "";
    return { ...known, fault: messageOf(fault), hex: whole ?? `${hexOf(frame.subarray(0, SHOWN_BYTES))}${more}` };
  }
}

function commandOf({ op, group, id }: TracedHeader): string | undefined {
  if (op > OP.WRITE_RESPONSE) return undefined;
  return findCommand(op === OP.READ || op === OP.READ_RESPONSE ? "read" : "write", group, id)?.name;
}

function hexWithout(frame: Uint8Array, { hiddenBytes, hasHiddenText }: Described): string {
  const headerOnly = `${hexOf(frame.subarray(0, HEADER_BYTES))}…`;
  if (hasHiddenText) return headerOnly;
  let rest: Buffer = Buffer.from(frame);
  let hex = "";
  for (const hidden of hiddenBytes) {
    const at = hidden.length < FINDABLE_BYTES ? -1 : rest.indexOf(hidden);
    if (at < 0) return headerOnly;
    hex += `${hexOf(rest.subarray(0, at))}<${hidden.length} bytes>`;
    rest = rest.subarray(at + hidden.length);
  }
  return hex + hexOf(rest);
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
