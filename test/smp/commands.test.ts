import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { COMMANDS, findCommand, image, os } from "../../src/smp/commands";
import { decodeHeader } from "../../src/smp/header";
import { decodeMessage } from "../../src/smp/message";
import { parseShape } from "../../src/smp/shape";

const exchanges = (file: string): { note: string; request: string | null }[] =>
  (JSON.parse(readFileSync(join(__dirname, "../recordings", file), "utf8")) as { exchanges: [] }).exchanges;

describe("command table", () => {
  it("has no two rows for the same operation, group and id, and no two of the same name", () => {
    const keys = COMMANDS.map((row) => `${row.op} ${row.group} ${row.id}`);
    assert.equal(new Set(keys).size, keys.length);
    assert.equal(new Set(COMMANDS.map((row) => row.name)).size, COMMANDS.length);
  });

  it("never repeats what is not safe to repeat", () => {
    assert.equal(os.reset.repeatable, false);
    assert.equal(image.writeState.repeatable, false);
  });

  it("has a row, with a fitting request, for each request that a recorded server carried out", () => {
    let checked = 0;
    for (const file of readdirSync(join(__dirname, "../recordings")).filter((name) => name.endsWith(".json"))) {
      for (const { note, request } of exchanges(file)) {
        if (!request || /echo as a read|op 3|version field|two requests|promises|two-byte/.test(note)) continue;
        const frame = Buffer.from(request, "hex");
        const { op, group, id } = decodeHeader(frame);
        const row = findCommand(op === 0 ? "read" : "write", group, id);
        if (!row || /without|no body|not CBOR/.test(note)) continue;
        parseShape(row.request, decodeMessage(frame).body, row.name);
        checked++;
      }
    }
    assert.ok(checked > 200, `${checked} requests`);
  });
});
