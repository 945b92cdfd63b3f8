/** The texts of the nodes as Node-RED finds them: by `namespace:key`, from the locale files. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { packageDir } from "../node-red";

type Values = Readonly<Record<string, string | number>>;

/** Texts that were asked for and do not exist. */
export const missingTexts: string[] = [];

/** What `RED._` is to a node of the type. */
export function texts(type: string): (key: string, values?: Values) => string {
  return (key, values = {}) => {
    const colon = key.lastIndexOf(":");
    const file = colon < 0 ? type : key.slice(key.lastIndexOf("/", colon) + 1, colon);
    const text = find(file, key.slice(colon + 1).split("."));
    if (text === undefined) missingTexts.push(key);
    return (text ?? key).replace(/__(\w+)__/g, (_, name: string) => String(values[name] ?? `__${name}__`));
  };
}

function find(file: string, path: string[]): string | undefined {
  const catalog: unknown = JSON.parse(readFileSync(join(packageDir, "nodes/locales/en-US", `${file}.json`), "utf8"));
  const found = path.reduce((at, key) => (at as Record<string, unknown> | undefined)?.[key], catalog);
  return typeof found === "string" ? found : undefined;
}
