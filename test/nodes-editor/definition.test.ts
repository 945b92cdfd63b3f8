import assert from "node:assert/strict";
import { Editor, FLOW_TYPES, html, POOL, scripts, texts, TYPES } from "./node-files";

const OUTPUTS: Record<string, number> = {
  "smp-pool": 0,
  "smp-discover": 3,
  "smp-connect": 2,
  "smp-frames-out": 1,
  "smp-frames-in": 1,
  "smp-trace": 1,
  "smp-image-state": 3,
  "smp-update": 4,
  "smp-upload": 3,
  "smp-test": 2,
  "smp-reset": 3,
  "smp-confirm": 2,
  "smp-request": 2,
  "smp-gateway": 3,
};

/** Their messages come from the work of other nodes. */
const SOURCES = ["smp-frames-out", "smp-trace"];

describe("the nodes' definitions", () => {
  const editor = new Editor();

  it("belong to the types of package.json, one per file", () => {
    assert.deepEqual(
      editor.registered.map(([type]) => type),
      TYPES,
    );
    assert.deepEqual(TYPES.toSorted(), Object.keys(OUTPUTS).toSorted());
    for (const type of TYPES) assert.equal(html(type).match(/registerType\(/g)?.length, 1, type);
  });

  for (const type of TYPES) {
    it(`of ${type} can be read by the Flow Library`, () => {
      const script = scripts(type).find((each) => each.includes("registerType"))!;
      assert.match(script, new RegExp(`^ {2}RED\\.nodes\\.registerType\\("${type}", \\{$`, "m"));
      for (const field of ["category", "color", "icon"]) {
        assert.match(script, new RegExp(`^ {4}${field}: "[^"]+",$`, "m"), field);
      }
      for (const field of ["inputs", "outputs"]) assert.match(script, new RegExp(`^ {4}${field}: \\d,$`, "m"), field);
      assert.match(script, /^ {4}defaults: \{$/m);
      assert.doesNotMatch(script, /\.\.\./, "a spread stops the parser");
    });

    it(`of ${type} has the family's look and the contract's ports`, () => {
      const { category, color, icon, inputs, outputs } = editor.definition(type);
      assert.equal(category, type === POOL ? "config" : "smp_firmware");
      assert.equal(color, editor.definition("smp-connect").color);
      assert.equal(icon, `${type}.svg`);
      assert.equal(inputs, [POOL, ...SOURCES].includes(type) ? 0 : 1);
      assert.equal(outputs, OUTPUTS[type]);
    });

    it(`of ${type} uses no property name that the editor keeps for itself`, () => {
      for (const name of Object.keys(editor.definition(type).defaults)) {
        assert.ok(name.length > 1 && !["id", "type", "wires", "inputs", "outputs", "label"].includes(name), name);
      }
    });
  }

  for (const type of FLOW_TYPES) {
    it(`of ${type} names each output, the palette entry and the category`, () => {
      const { outputLabels, outputs, paletteLabel, category } = editor.definition(type);
      const node = editor.add(type);
      const labels = Array.from({ length: outputs }, (_, index) => outputLabels!.call(node, index));
      assert.ok(labels.every((label) => label.length > 0));
      assert.equal(new Set(labels).size, outputs);
      assert.equal(outputLabels!.call(node, outputs), undefined);
      assert.equal(labels.at(-1), SOURCES.includes(type) ? "frame" : "error");
      assert.equal(paletteLabel!.call(node), type.replaceAll("-", " "));
      assert.equal(texts(type).get(`palette.label.${category}`), "SMP firmware update");
    });
  }

  it("label a node with its name in italics, else with what it does", () => {
    for (const type of TYPES) {
      const { label, labelStyle } = editor.definition(type);
      const named = editor.add(type, { name: "my own" });
      assert.equal(label.call(named), "my own");
      assert.equal(labelStyle.call(named), "node_label_italic");
      assert.equal(labelStyle.call(editor.add(type)), "");
      if (type !== POOL && type !== "smp-connect" && type !== "smp-request")
        assert.equal(label.call(editor.add(type)), type.replaceAll("-", " "));
    }
    assert.equal(editor.definition(POOL).label.call(editor.add(POOL, { link: "udp" })), "UDP");
    const request = editor.definition("smp-request");
    assert.equal(request.label.call(editor.add("smp-request", { command: "os.info" })), "os.info");
    assert.equal(request.label.call(editor.add("smp-request", { command: "raw" })), "smp request");
    const { label } = editor.definition("smp-connect");
    assert.equal(label.call(editor.add("smp-connect")), "sensor-1");
    assert.equal(label.call(editor.add("smp-connect", { device: "topic", deviceType: "msg" })), "smp connect");
  });
});
