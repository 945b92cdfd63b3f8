import assert from "node:assert/strict";
import { ERRORS } from "../../src/errors";
import { Editor, FLOW_TYPES, help, POOL, TYPES } from "./node-files";

const sections = (type: string): string[] => [...help(type).matchAll(/<h3>([^<]+)<\/h3>/g)].map((match) => match[1]!);

/** The parts of the list of outputs, one per port. */
function ports(type: string): string[] {
  const list = /<ol class="node-ports">([\S\s]*?)<\/ol>/.exec(help(type))![1]!;
  return list.split("<li>").slice(1);
}

/** Their work is over at once. */
const AT_ONCE = ["smp-frames-out", "smp-frames-in", "smp-trace"];

describe("the help", () => {
  for (const type of TYPES) {
    it(`of ${type} begins with a summary of one sentence`, () => {
      const start = new RegExp(`^<script type="text/html" data-help-name="${type}">\\s*<p>([\\S\\s]*?)</p>`).exec(
        help(type),
      );
      const summary = start![1]!.replace(/<[^>]+>/g, "").trim();
      assert.match(summary, /^[A-Z][^.]+(?:\.smp[^.]*)?\.$/);
    });

    it(`of ${type} is well-formed`, () => {
      const open: string[] = [];
      for (const [, slash, tag] of help(type).matchAll(/<(\/?)([a-z]\w*)[^>]*>/g)) {
        if (slash) assert.equal(open.pop(), tag);
        else open.push(tag!);
      }
      assert.deepEqual(open, []);
      assert.doesNotMatch(help(type), /<(?:b|i|em|strong)>/, "the style guide has no bold or italic text");
    });

    it(`of ${type} names only error codes that exist`, () => {
      const codes = help(type).match(/\bSMP_[A-Z_]+\b/g) ?? [];
      assert.ok(codes.length > 0);
      for (const code of codes) assert.ok(code in ERRORS, code);
    });
  }

  for (const type of FLOW_TYPES) {
    it(`of ${type} has the sections of Node-RED's own nodes`, () => {
      assert.deepEqual(sections(type), ["Inputs", "Outputs", "Details", "References"]);
    });

    it(`of ${type} describes each output under the label of its port`, () => {
      const editor = new Editor();
      const { outputs, outputLabels } = editor.definition(type);
      const node = editor.add(type);
      const titles = ports(type).map((port) => port.split("<")[0]!.trim().toLowerCase());
      assert.deepEqual(
        titles,
        Array.from({ length: outputs }, (_, index) => outputLabels!.call(node, index)),
      );
      for (const port of ports(type)) assert.match(port, /<dl class="message-properties">/);
    });

    if (AT_ONCE.includes(type)) continue;
    it(`of ${type} tells how to stop the node's work`, () => {
      assert.match(help(type), /<code>msg\.action<\/code> = <code>"abort"<\/code>/);
    });
  }

  it("of the pool has its own sections", () => {
    assert.deepEqual(sections(POOL), ["Properties", "Details", "References"]);
  });
});
