/** Any command: of the table by its name, or of a group that only the device's firmware knows. */
import { SmpError } from "../errors";
import { TIMEOUT_MS, type Command } from "../smp/command";
import { COMMANDS, findCommand } from "../smp/commands";
import { bodyFromJson, bodyToJson } from "../smp/json-body";
import type { CborMap } from "../smp/message";
import { parseShape, ShapeError, type Shape } from "../smp/shape";
import type { RequestOptions, SmpSession } from "./types";

/** A command by its numbers. */
export interface RawCommand {
  readonly op: "read" | "write";
  /** 0 to 65535; the groups from 64 on belong to applications. */
  readonly group: number;
  /** 0 to 255. */
  readonly id: number;
  /** Whether it may be sent again when no answer comes; false when absent. */
  readonly repeatable?: boolean | undefined;
}

/** Answers are given whole, and so is what they are checked for: nothing but refusals. */
export type AnyCommand = Command & { readonly whole: true };

/**
 * The row of a name, e.g. "image.erase", or one for numbers. A raw command is not checked against the table even if the table has it.
 * @throws SMP_BAD_INPUT when there is no such command, or a number is out of its range
 */
export function anyCommand(command: string | RawCommand): AnyCommand {
  return typeof command === "string" ? commandNamed(command) : rawCommand(command);
}

/** A command with the request to send. */
export interface AnyRequest {
  readonly command: AnyCommand;
  readonly body: CborMap;
}

/**
 * Makes a request of JSON.
 * @param what names the JSON in messages, e.g. "msg.payload"
 * @throws SMP_BAD_INPUT when it is not what the table says, or cannot be CBOR
 */
export function requestFromJson(command: AnyCommand, json: unknown, what: string): AnyRequest {
  const body = bodyFromJson(json, what);
  checkRequest(command, body, what);
  return { command, body };
}

/** Gives the answer as JSON with Buffers: all keys, also unknown ones. @throws as `SmpSession.request` */
export async function requestAny(
  session: SmpSession,
  { command, body }: AnyRequest,
  options?: RequestOptions,
): Promise<CborMap> {
  return bodyToJson(await session.request(command, body, options));
}

function commandNamed(name: string): AnyCommand {
  const row = COMMANDS.find((each) => each.name === name.trim());
  if (row) return { ...row, whole: true };
  const [group] = name.split(".", 1);
  const near = COMMANDS.filter((each) => each.name.startsWith(`${group}.`));
  const names = (near.length > 0 ? near : COMMANDS).map((each) => each.name);
  throw new SmpError("SMP_BAD_INPUT", `there is no command "${name}"; there are ${names.join(", ")}`, {
    field: "command",
    hint: "Name a command of the table, or give op, group and id.",
  });
}

function rawCommand({ op, group, id, repeatable = false }: RawCommand): AnyCommand {
  if (op !== "read" && op !== "write") throw badNumber("op", '"read" or "write"', op);
  if (!isWithin(group, 0xffff)) throw badNumber("group", "a whole number from 0 to 65535", group);
  if (!isWithin(id, 0xff)) throw badNumber("id", "a whole number from 0 to 255", id);
  const known = findCommand(op, group, id);
  const name = known ? `${known.name} (raw)` : `${op} group ${group} id ${id}`;
  const timeoutMs = known?.timeoutMs ?? TIMEOUT_MS.FLASH;
  return { name, op, group, id, request: NO_RULES, response: NO_RULES, repeatable, timeoutMs, whole: true };
}

const NO_RULES: Shape = {};

function isWithin(value: unknown, max: number): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= max;
}

function badNumber(field: string, expected: string, value: unknown): SmpError {
  return new SmpError("SMP_BAD_INPUT", `${field} of a raw command must be ${expected}; it is ${String(value)}`, {
    field,
  });
}

/** What the device would refuse without saying which key is wrong. */
function checkRequest({ name, request }: AnyCommand, body: CborMap, what: string): void {
  try {
    parseShape(request, body, what);
  } catch (cause) {
    if (!(cause instanceof ShapeError)) throw cause;
    throw new SmpError("SMP_BAD_INPUT", `${what} is no request for ${name}: ${cause.message}`, {
      field: what,
      cause,
      hint: "A raw command, by group and id, is sent as it is.",
    });
  }
}
