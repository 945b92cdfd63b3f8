/** What a decoded answer says: refusal, or the row's response. */
import { DeviceError, SmpError } from "../errors";
import { isBusy, isUnserved, resultCode } from "./codes";
import type { Command } from "./command";
import type { CborMap, Message } from "./message";
import { OP } from "./header";
import { parseShape, ShapeError, type Body, type Shape } from "./shape";

/** Whether `message` answers a request of this row with this sequence number. */
export function isAnswerTo(message: Message, row: Command, seq: number): boolean {
  const op = row.op === "read" ? OP.READ_RESPONSE : OP.WRITE_RESPONSE;
  return message.seq === seq && message.group === row.group && message.id === row.id && message.op === op;
}

/**
 * The body of a successful answer, checked against the row unless that takes it whole.
 * @throws DeviceError when the device refused, see {@link refusalIn}
 * @throws SMP_BAD_RESPONSE that names the field at fault
 */
export function parseResponse<Res extends Shape>(row: Command<Shape, Res>, body: CborMap): Body<Res> {
  const refusal = readRefusal(row, body);
  if (refusal) throw refusal;
  if (row.whole === true) return body as Body<Res>;
  try {
    return parseShape(row.response, body, row.name);
  } catch (cause) {
    if (!(cause instanceof ShapeError)) throw cause;
    throw new SmpError("SMP_BAD_RESPONSE", `the answer has a wrong shape: ${cause.message}`, { cause });
  }
}

/** Whether the device refused a request without having served it; it may do so in a moment. */
export function isUnservedRefusal(error: unknown): error is DeviceError {
  return error instanceof DeviceError && isUnserved(error.details);
}

function readRefusal(row: Command, body: CborMap): DeviceError | undefined {
  const refusal = refusalIn(body);
  return refusal && refused(row, refusal.rc, refusal.group, body["rsn"]);
}

/** The code with which the device refused, if it did: `err` (Zephyr ≥ 3.5), a map-valued `ret` (3.4) or a non-zero `rc`. */
export function refusalIn(body: CborMap): { readonly rc: number; readonly group?: number } | undefined {
  const groupError = asGroupError(body["err"]) ?? asGroupError(body["ret"]);
  if (groupError) return groupError;
  const rc = body["rc"];
  return typeof rc === "number" && rc !== 0 ? { rc } : undefined;
}

function asGroupError(value: unknown): { group: number; rc: number } | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { group, rc } = value as CborMap;
  return typeof group === "number" && typeof rc === "number" && rc !== 0 ? { group, rc } : undefined;
}

function refused(row: Command, rc: number, group: number | undefined, rsn: unknown): DeviceError {
  const code = resultCode(rc, group);
  const numbers = group === undefined ? `rc ${rc}` : `group ${group}, rc ${rc}`;
  const reason = typeof rsn === "string" ? rsn : undefined;
  const said = reason === undefined ? "" : `, the device says "${reason}"`;
  return new DeviceError(`${row.name} was refused: ${code.meaning} (${numbers} ${code.name}${said})`, {
    rc,
    rcName: code.name,
    ...(group === undefined ? {} : { group }),
    ...(reason === undefined ? {} : { reason }),
    ...(code.hint === undefined ? {} : { hint: code.hint }),
    retryable: isBusy({ ...(group !== undefined && { group }), rc }),
  });
}
