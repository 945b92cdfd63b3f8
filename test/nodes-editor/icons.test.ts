import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { read, TYPES } from "./node-files";

describe("the icons", () => {
  const files = readdirSync(join(__dirname, "../../icons"));

  it("are one per node", () => {
    assert.deepEqual(files.toSorted(), TYPES.map((type) => `${type}.svg`).toSorted());
    assert.equal(new Set(files.map((file) => read(`icons/${file}`))).size, files.length);
  });

  for (const file of files) {
    it(`${file} is white on transparent, 40 by 60`, () => {
      const svg = read(`icons/${file}`);
      assert.match(svg, /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" width="40" height="60" viewBox="0 0 40 60">/);
      const paints = [...svg.matchAll(/(?:fill|stroke)="([^"]*)"/g)].map((match) => match[1]!);
      assert.ok(paints.includes("#fff"));
      assert.ok(paints.every((paint) => paint === "#fff" || paint === "none"));
      for (const shape of svg.match(/<(?:path|circle|rect)[^>]*>/g)!) assert.match(shape, /fill="/, "else it is black");
      assert.doesNotMatch(svg, /style|<rect[^>]*width="40"/);
    });
  }
});
