/** Which commands a gateway plays. What it does not list never reaches a device. */
import { SmpError } from "../errors";
import type { Command } from "../smp/command";
import { COMMANDS } from "../smp/commands";

/** What an update needs, and no more: no files, no settings, no shell. The console echo tells MCUboot's recovery. */
export const DEFAULT_ALLOWED = "os.echo, os.consoleEcho, os.reset, os.parameters, os.info, os.bootloaderInfo, image";

/** Absent means any. */
interface Rule {
  readonly group?: number;
  readonly id?: number;
  readonly op?: "read" | "write";
}

/** The commands that may be sent from afar. */
export class AllowList {
  readonly #rules: readonly Rule[];

  /**
   * @param text rules with commas, blanks or lines between them: `group`, `group.command`, or `*` for everything, each
   * perhaps with `:read` or `:write`; groups and commands by number or by the names of the command table
   * @throws SMP_BAD_SETTING naming the rule that is wrong
   */
  constructor(text: string = DEFAULT_ALLOWED) {
    const rules = text.split(/[\s,;]+/).filter((rule) => rule !== "");
    this.#rules = rules.flatMap(parseRule);
  }

  allows({ op, group, id }: Pick<Command, "op" | "group" | "id">): boolean {
    return this.#rules.some((rule) =>
      [rule.group ?? group, rule.id ?? id, rule.op ?? op].every((each, index) => each === [group, id, op][index]),
    );
  }
}

function parseRule(text: string): Rule[] {
  const [, groupName, commandName, access] = RULE.exec(text) ?? [];
  const op = access as "read" | "write" | undefined;
  if (groupName === undefined) throw wrong(text);
  const rules = whatOf(groupName, commandName).filter((rule) => op === undefined || (rule.op ?? op) === op);
  if (rules.length === 0) throw wrong(text);
  return rules.map((rule) => (op === undefined ? rule : { ...rule, op }));
}

/** None when there is no such group or command. */
function whatOf(groupName: string, commandName: string | undefined): Rule[] {
  if (groupName === "*") return commandName === undefined ? [{}] : [];
  const group = groupNumber(groupName);
  if (group === undefined) return [];
  if (commandName === undefined) return [{ group }];
  if (NUMBER.test(commandName)) return [{ group, id: Number(commandName) }];
  return COMMANDS.filter((row) => row.group === group && row.name.split(".")[1] === commandName);
}

const RULE = /^(\*|\w+)(?:\.(\w+))?(?::(read|write))?$/;
const NUMBER = /^\d{1,5}$/;

function groupNumber(text: string): number | undefined {
  if (NUMBER.test(text)) return Number(text);
  return COMMANDS.find(({ name }) => name.split(".")[0] === text)?.group;
}

function wrong(rule: string): SmpError {
  return new SmpError("SMP_BAD_SETTING", `"${rule}" in the list of allowed commands is no rule`, {
    field: "allow",
    hint: 'Write a group or a command by name or number, e.g. "image", "os.echo", "64.3:read".',
  });
}
