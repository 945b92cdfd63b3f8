import assert from "node:assert/strict";
import { html, POOL, template, texts, TYPES } from "./node-files";

const SHARED = `@smp-dfu/node-red/${POOL}:`;

/** Keys in data-i18n attributes and in calls of `_()`; those of Node-RED itself are left out. */
function usedKeys(type: string): string[] {
  const attributes = [...html(type).matchAll(/data-i18n="([^"]+)"/g)].flatMap((match) => match[1]!.split(";"));
  const calls = [...html(type).matchAll(/\b_\(\s*"([^"]+)"/g)].map((match) => match[1]!);
  return [...attributes.map((key) => key.replace(/^\[[\w-]+\]/, "")), ...calls].filter(
    (key) => !key.startsWith("node-red:"),
  );
}

describe("the texts of the editor", () => {
  for (const type of TYPES) {
    it(`of ${type} are all there`, () => {
      for (const key of usedKeys(type)) {
        const [owner, own] = key.startsWith(SHARED) ? [POOL, key.slice(SHARED.length)] : [type, key];
        assert.ok(texts(owner).has(own), key);
      }
    });

    it(`of ${type} are all used`, () => {
      const used = new Set(usedKeys(type).map((key) => key.replace(SHARED, "")));
      const unused = [...texts(type).keys()].filter((key) => !used.has(key));
      const elsewhere = (key: string): boolean =>
        key.startsWith(`${type}.status.`) || (type !== POOL && key === "palette.label.smp_firmware");
      assert.deepEqual(
        unused.filter((key) => !elsewhere(key)),
        [],
      );
    });

    it(`of ${type} stand in its locale file only`, () => {
      const form = template(type).replace(/<style>[\S\s]*?<\/style>/g, "");
      assert.equal(form.replace(/<[^>]*>/g, "").trim(), "");
      assert.doesNotMatch(form, /\s(?:placeholder|title|aria-label|alt)=/);
    });

    it(`of ${type} are not empty`, () => {
      for (const [key, text] of texts(type)) assert.ok(text.trim() === text && text.length > 0, key);
    });
  }
});
