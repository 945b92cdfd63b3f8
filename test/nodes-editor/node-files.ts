/** The files of the editor side of a node, and its definition as the editor would see it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createContext, runInContext } from "node:vm";

const root = join(__dirname, "../..");
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  name: string;
  "node-red": { nodes: Record<string, string> };
};

export const POOL = "smp-pool";
/** In the order in which Node-RED loads them. */
export const TYPES = Object.keys(manifest["node-red"].nodes);
export const FLOW_TYPES = TYPES.filter((type) => type !== POOL);

export interface EditorNode {
  type: string;
  id: string;
  _: (key: string, values?: Record<string, unknown>) => string;
  [property: string]: unknown;
}

export interface Property {
  value: unknown;
  type?: string;
  validate?: (this: EditorNode, value: unknown, options: object) => unknown;
}

export interface Definition {
  category: string;
  color: string;
  icon: string;
  inputs: number;
  outputs: number;
  defaults: Record<string, Property>;
  outputLabels?: (this: EditorNode, index: number) => string;
  paletteLabel?: (this: unknown) => string;
  label: (this: EditorNode) => string;
  labelStyle: (this: EditorNode) => string;
}

export const read = (path: string): string => readFileSync(join(root, path), "utf8");
export const html = (type: string): string => read(`nodes/${type}.html`);
export const help = (type: string): string => read(`nodes/locales/en-US/${type}.html`);

/** What the Flow Library takes for the definition (its lib/modules.js). */
export function scripts(type: string): string[] {
  const pattern = /<script.+?type=['"]text\/javascript['"].*?>([\S\s]*?)<\/script>/gi;
  return [...html(type).matchAll(pattern)].map((match) => match[1]!);
}

export function template(type: string): string {
  const match = new RegExp(`<script type="text/html" data-template-name="${type}">([\\S\\s]*?)</script>`).exec(
    html(type),
  );
  if (!match) throw new Error(`${type}.html has no edit form`);
  return match[1]!;
}

/** The values that a select of the pool's form offers. */
export function poolOptions(property: string): string[] {
  const select = new RegExp(`<select id="node-config-input-${property}">([\\S\\s]*?)</select>`).exec(template(POOL));
  return [...select![1]!.matchAll(/<option value="([^"]*)"/g)].map((match) => match[1]!);
}

/** Texts of a node by dotted key. */
export function texts(type: string): Map<string, string> {
  const flat = new Map<string, string>();
  const add = (value: unknown, path: string): void => {
    if (typeof value === "string") flat.set(path, value);
    else for (const [key, inner] of Object.entries(value as object)) add(inner, path === "" ? key : `${path}.${key}`);
  };
  add(JSON.parse(read(`nodes/locales/en-US/${type}.json`)), "");
  return flat;
}

/** A text as the editor gives it; a key that does not exist is an error here. */
function translate(type: string, key: string, values: Record<string, unknown> = {}): string {
  const shared = /^(?<set>.+):(?<key>[^:]+)$/.exec(key)?.groups;
  const owner = shared ? shared["set"]!.replace(`${manifest.name}/`, "") : type;
  const text = texts(owner).get(shared?.["key"] ?? key);
  if (text === undefined) throw new Error(`${type} uses the text ${key}, which does not exist`);
  return text.replace(/__(\w+)__/g, (_, name: string) => String(values[name]));
}

/** The editor: what it was told of types, which nodes it has, and what the open edit form shows. */
export class Editor {
  readonly registered: [type: string, definition: Definition][] = [];
  readonly nodes = new Map<string, EditorNode>();
  edited: EditorNode | undefined;
  readonly form = new Map<string, string>();

  constructor(types: readonly string[] = TYPES) {
    const context = createContext({
      RED: this.#red(),
      $: (selector: string) => ({ val: () => this.form.get(selector) }),
    });
    runInContext("window = globalThis", context);
    for (const type of types)
      for (const script of scripts(type)) runInContext(script, context, { filename: `${type}.html` });
  }

  definition(type: string): Definition {
    const found = this.registered.find(([name]) => name === type);
    if (!found) throw new Error(`${type} is not registered`);
    return found[1];
  }

  /** A node as it comes from the palette, with some properties set. */
  add(type: string, properties: Record<string, unknown> = {}): EditorNode {
    const defaults = Object.entries(this.definition(type).defaults).map(([name, { value }]) => [name, value]);
    const id = `node-${this.nodes.size + 1}`;
    // As the editor copies them.
    const copied = JSON.parse(JSON.stringify(Object.fromEntries(defaults))) as object;
    const node = { ...copied, ...properties, type, id, _: translate.bind(undefined, type) };
    this.nodes.set(id, node);
    return node;
  }

  /** true, or the message. */
  validate(node: EditorNode, property: string): unknown {
    const { validate } = this.definition(node.type).defaults[property]!;
    return validate ? validate.call(node, node[property], {}) : true;
  }

  #red(): object {
    return {
      _: (key: string, values?: Record<string, unknown>) => translate("", key, values),
      nodes: {
        registerType: (type: string, definition: Definition) => this.registered.push([type, definition]),
        node: (id: string) => this.nodes.get(id),
      },
      editor: { getEditStack: () => (this.edited ? [this.edited] : []) },
      utils: {
        parseContextKey: (key: string) => ({ key: key.replace(/^#:\(\w+\)::/, "") }),
        // In place of the editor's own rules: an expression with a blank is none.
        validateTypedProperty: (value: string, type: string, { label }: { label: string }) =>
          type === "str" || !/\s/.test(value) || `${label}: not valid`,
      },
    };
  }
}
