/** A frame that was made elsewhere, as the request that it is. */
import { SmpError } from "../errors";
import { TIMEOUT_MS, type Command } from "../smp/command";
import { findCommand } from "../smp/commands";
import { decodeHeader, HEADER_BYTES, OP, type ProtocolVersion } from "../smp/header";

export interface FrameRequest {
  /** Of a command that the table does not know: what is safe to assume, sent once. */
  readonly row: Command;
  readonly version: ProtocolVersion;
  readonly seq: number;
}

/** @throws SMP_BAD_FRAME when it is not one whole request */
export function frameRequest(frame: Uint8Array): FrameRequest {
  const { op, version, bodyBytes, group, seq, id } = decodeHeader(frame);
  const fault = (said: string): SmpError => new SmpError("SMP_BAD_FRAME", said, { frameLength: frame.length });
  if (version > 1) throw fault(`SMP version bits ${version} are reserved`);
  if (op !== OP.READ && op !== OP.WRITE) throw fault(`operation ${op} in the SMP header is no request`);
  if (HEADER_BYTES + bodyBytes !== frame.length) {
    throw fault(`the SMP header announces ${HEADER_BYTES + bodyBytes} bytes, but the frame has ${frame.length}`);
  }
  const kind = op === OP.READ ? "read" : "write";
  return { row: findCommand(kind, group, id) ?? unknownCommand(kind, group, id), version: version === 0 ? 0 : 1, seq };
}

function unknownCommand(op: "read" | "write", group: number, id: number): Command {
  const name = `${op} of command ${id} in group ${group}`;
  return { name, op, group, id, request: {}, response: {}, repeatable: false, timeoutMs: TIMEOUT_MS.FLASH };
}
