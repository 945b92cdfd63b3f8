import assert from "node:assert/strict";
import { decodeHeader, encodeHeader, HEADER_BYTES, OP } from "../../src/smp/header";

describe("SMP header", () => {
  it("puts version and operation into the first byte as the protocol's table says (E20)", () => {
    const first = (op: number, version: number): number | undefined =>
      encodeHeader({ op, version, bodyBytes: 0, group: 0, seq: 0, id: 0 })[0];
    assert.deepEqual(
      [OP.READ, OP.READ_RESPONSE, OP.WRITE, OP.WRITE_RESPONSE].map((op) => first(op, 0)),
      [0, 1, 2, 3],
    );
    assert.deepEqual(
      [OP.READ, OP.READ_RESPONSE, OP.WRITE, OP.WRITE_RESPONSE].map((op) => first(op, 1)),
      [8, 9, 10, 11],
    );
  });

  it("survives the way to bytes and back at the ends of every field", () => {
    for (const header of [
      { op: 0, version: 0, bodyBytes: 0, group: 0, seq: 0, id: 0 },
      { op: 7, version: 3, bodyBytes: 0xffff, group: 0xffff, seq: 255, id: 255 },
      { op: 2, version: 1, bodyBytes: 0x0102, group: 0x0304, seq: 5, id: 6 },
    ]) {
      assert.deepEqual(decodeHeader(encodeHeader(header)), header);
    }
  });

  it("refuses every length below 8 bytes and says how many there are", () => {
    for (let length = 0; length < HEADER_BYTES; length++) {
      assert.throws(() => decodeHeader(new Uint8Array(length)), {
        code: "SMP_BAD_FRAME",
        message: `frame of ${length} bytes is shorter than the 8-byte SMP header`,
      });
    }
  });

  it("reads a header that lies in the middle of a larger buffer", () => {
    const large = Buffer.concat([Buffer.alloc(5, 0xff), Buffer.from("0a00000900004200", "hex")]);
    assert.equal(decodeHeader(large.subarray(5)).seq, 0x42);
  });
});
