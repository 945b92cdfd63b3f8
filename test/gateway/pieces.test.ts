import assert from "node:assert/strict";
import { Pieces } from "../../src/gateway/pieces";
import { encodeMessage } from "../../src/smp/message";

const echo = (d: string, op = 2): Uint8Array =>
  encodeMessage({ op, version: 1, group: 0, id: 0, seq: d.length, body: { d } });
const hex = (frames: readonly Uint8Array[]): string[] => frames.map((frame) => Buffer.from(frame).toString("hex"));

describe("requests out of messages", () => {
  it("are put together and taken apart, each device's and request's for itself", () => {
    const [one, other] = [echo("one"), echo("other one")];
    const pieces = new Pieces();
    assert.deepEqual(pieces.take("door 1", one.subarray(0, 9)), []);
    assert.deepEqual(pieces.take("roof 1", other.subarray(0, 3)), []);
    assert.deepEqual(hex(pieces.take("door 1", one.subarray(9))), hex([one]));
    assert.deepEqual(hex(pieces.take("roof 1", Buffer.concat([other.subarray(3), one]))), hex([other, one]));
  });

  it("are not lost with another whose rest never came", () => {
    const pieces = new Pieces();
    pieces.take("door", echo("one").subarray(0, 9));
    assert.deepEqual(hex(pieces.take("door", echo("two"))), hex([echo("two")]));
  });

  for (const [what, bytes, begin] of [
    ["a text", Buffer.from("<html>"), "3c68746d6c3e"],
    ["an answer", echo("", 3), Buffer.from(echo("", 3).subarray(0, 8)).toString("hex")],
    ["a byte too much", Buffer.concat([echo("a"), Buffer.of(0xff)]), "ff"],
  ] as const) {
    it(`are not ${what}`, () => {
      const pieces = new Pieces();
      const message = new RegExp(`begin no SMP request: ${begin}$`);
      assert.throws(() => pieces.take("door", bytes), { code: "SMP_BAD_FRAME", message });
      assert.deepEqual(hex(pieces.take("door", echo("b"))), hex([echo("b")]), "the next one is taken");
    });
  }
});
