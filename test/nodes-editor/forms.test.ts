import assert from "node:assert/strict";
import { Editor, POOL, poolOptions, template, TYPES } from "./node-files";

const prefix = (type: string): string => (type === POOL ? "node-config-input-" : "node-input-");

interface Field {
  id: string;
  tag: string;
  attributes: string;
}

function fields(type: string): Field[] {
  return [...template(type).matchAll(/<(input|select|ol|textarea)\b([^>]*)>/g)].map(([, tag, attributes]) => ({
    tag: tag!,
    attributes: attributes!,
    id: /\bid="([^"]+)"/.exec(attributes!)?.[1] ?? "",
  }));
}

describe("the edit forms", () => {
  const editor = new Editor();

  for (const type of TYPES) {
    it(`of ${type} has a field for each property, and no other`, () => {
      const ids = fields(type)
        .map(({ id }) => id.replace(/-container$/, ""))
        .filter((id) => id.startsWith(prefix(type)));
      const properties = Object.keys(editor.definition(type).defaults).map((name) => prefix(type) + name);
      assert.deepEqual(ids.toSorted(), properties.toSorted());
    });

    it(`of ${type} has a label for each visible field`, () => {
      const labelled = new Set([...template(type).matchAll(/<label[^>]* for="([^"]+)"/g)].map((match) => match[1]!));
      for (const { id, attributes } of fields(type)) {
        if (/type="hidden"/.test(attributes)) continue;
        const named = labelled.has(id) || /aria-labelledby=|\[aria-label\]/.test(attributes);
        assert.ok(named, `${id || attributes} has no label`);
      }
      const ids = new Set(fields(type).map(({ id }) => id));
      for (const id of labelled) assert.ok(ids.has(id), `the label for ${id} leads nowhere`);
    });

    it(`of ${type} has pairs of typed inputs`, () => {
      for (const name of Object.keys(editor.definition(type).defaults).filter((each) => each.endsWith("Type"))) {
        const hidden = fields(type).find(({ id }) => id === `node-input-${name}`);
        assert.match(hidden!.attributes, /type="hidden"/);
        assert.ok(fields(type).some(({ id }) => id === `node-input-${name.replace(/Type$/, "")}`));
      }
    });

    it(`of ${type} leaves colours to the theme and is well-formed`, () => {
      assert.doesNotMatch(template(type), /#[0-9a-f]{3,8}\b(?!-)|rgba?\(|\b(?:white|black|gr[ae]y)\b/i);
      const open: string[] = [];
      for (const [, slash, tag, rest] of template(type).matchAll(/<(\/?)([a-z]\w*)([^>]*)>/g)) {
        if (tag === "input" || rest!.endsWith("/")) continue;
        if (slash) assert.equal(open.pop(), tag);
        else open.push(tag!);
      }
      assert.deepEqual(open, []);
    });
  }

  it("of the pool accept each choice that they offer, and no other", () => {
    for (const property of ["link", "mode", "pace", "protocol", "profile"]) {
      for (const choice of poolOptions(property)) {
        assert.equal(editor.validate(editor.add(POOL, { [property]: choice }), property), true, choice);
      }
      assert.equal(typeof editor.validate(editor.add(POOL, { [property]: "other" }), property), "string");
    }
  });

  it("of the pool have a group of rows for each link", () => {
    const links = [...template(POOL).matchAll(/class="smp-pool-link" data-link="([^"]+)"/g)].map((match) => match[1]);
    assert.deepEqual(links, poolOptions("link"));
  });
});
