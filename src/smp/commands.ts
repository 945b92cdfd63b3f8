/** All rows of the protocol's table. Adding a command is one row in a group's file. */
import type { Command } from "./command";
import * as os from "./groups/os";
import * as image from "./groups/image";
import * as stat from "./groups/stat";
import * as settings from "./groups/settings";
import * as fs from "./groups/fs";
import * as shell from "./groups/shell";
import * as enumeration from "./groups/enumeration";
import * as basic from "./groups/basic";

export { os, image, stat, settings, fs, shell, enumeration, basic };

/** Every row of the table. */
export const COMMANDS: readonly Command[] = [os, image, stat, settings, fs, shell, enumeration, basic].flatMap(
  (group) => Object.values(group).filter(isCommand),
);

function isCommand(value: unknown): value is Command {
  return typeof value === "object" && value !== null && "timeoutMs" in value && "id" in value;
}

/** The row for what a header says, if there is one. */
export function findCommand(op: "read" | "write", group: number, id: number): Command | undefined {
  return COMMANDS.find((row) => row.op === op && row.group === group && row.id === id);
}
