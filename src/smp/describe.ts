/** The command table for people: what a drop-down list and a form show of it. */
import type { Command } from "./command";
import { COMMANDS } from "./commands";
import { ShapeError, type Field } from "./shape";

/** A row of the command table as plain data. */
export interface CommandDescription {
  /** "os.echo". */
  readonly name: string;
  readonly op: "read" | "write";
  readonly group: number;
  readonly id: number;
  /** Keys of the request; `type` as in "text", "an integer", "a byte string", "any value". */
  readonly request: readonly { readonly key: string; readonly type: string; readonly isOptional: boolean }[];
  readonly isRepeatable: boolean;
  readonly timeoutMs: number;
}

/** All rows of the table, as plain data. */
export function describeCommands(): CommandDescription[] {
  return COMMANDS.map(describeCommand);
}

function describeCommand({ name, op, group, id, request, repeatable, timeoutMs }: Command): CommandDescription {
  const keys = Object.entries(request).map(([key, field]) => ({
    key,
    type: expectedBy(field, NOTHING_KNOWN) ?? "any value",
    isOptional: expectedBy(field, undefined) === undefined,
  }));
  return { name, op, group, id, request: keys, isRepeatable: repeatable, timeoutMs };
}

/** A value that no field of a certain type takes. */
const NOTHING_KNOWN = Symbol("a value of no CBOR type");

/** What the field would have instead of `value`; undefined when it takes it. */
function expectedBy(field: Field<unknown>, value: unknown): string | undefined {
  try {
    field(value, "");
    return undefined;
  } catch (error) {
    if (error instanceof ShapeError) return error.expected;
    throw error;
  }
}
