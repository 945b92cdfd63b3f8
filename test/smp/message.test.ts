import assert from "node:assert/strict";
import { decodeMessage, encodedFrameBytes, encodeMessage } from "../../src/smp/message";

const hex = (text: string): Buffer => Buffer.from(text.replace(/\s/g, ""), "hex");
const bytes = (length: number): Uint8Array => new Uint8Array(length);

describe("SMP message", () => {
  it("encodes the worked examples of the protocol's sheet byte by byte (E1, E3, E10, E16)", () => {
    const cases = [
      [
        { op: 2, version: 1, group: 0, seq: 0x42, id: 0, body: { d: "hello" } },
        "0A0000090000 4200 A1616465 68656C6C6F",
      ],
      [{ op: 0, version: 1, group: 1, seq: 1, id: 0, body: {} }, "08 00 00 01 00 01 01 00 A0"],
      [{ op: 2, version: 1, group: 1, seq: 5, id: 0, body: { confirm: true } }, "0A00000A00010500A167636F6E6669726DF5"],
      [{ op: 2, version: 1, group: 1, seq: 11, id: 5, body: { slot: 1 } }, "0A00000700010B05A164736C6F7401"],
    ] as const;
    for (const [message, frame] of cases) assert.deepEqual(Buffer.from(encodeMessage(message)), hex(frame));
  });

  it("leaves out keys without a value", () => {
    const frame = encodeMessage({ op: 0, version: 1, group: 0, seq: 0, id: 7, body: { format: undefined } });
    assert.deepEqual(decodeMessage(frame).body, {});
  });

  it("decodes definite and indefinite maps to the same (E2a, E2b)", () => {
    const definite = decodeMessage(hex("0B00000900004200A161726568656C6C6F"));
    const indefinite = decodeMessage(hex("0B00000A00004200BF61726568656C6C6FFF"));
    assert.deepEqual(definite, indefinite);
    assert.deepEqual(definite.body, { r: "hello" });
  });

  it("reads what it writes in the indefinite form of Zephyr", () => {
    const body = { images: [{ slot: 0, hash: Buffer.from("abcd", "hex"), active: true }], splitStatus: 0, n: -1 };
    const frame = encodeMessage({ op: 1, version: 0, group: 1, seq: 9, id: 0, body }, { indefinite: true });
    assert.equal(frame[8], 0xbf);
    assert.deepEqual(decodeMessage(frame).body, body);
  });

  it("computes the frame sizes of the protocol's table (E21)", () => {
    const first = { len: 100_000, off: 0, sha: bytes(32), data: bytes(160) };
    assert.equal(encodedFrameBytes({ ...first, image: 0, upgrade: false }), 244);
    assert.equal(encodedFrameBytes(first), 228);
    assert.equal(encodedFrameBytes({ off: 160, data: bytes(222) }), 244);
    assert.equal(encodedFrameBytes({ off: 382, data: bytes(222) }), 245);
    assert.equal(encodedFrameBytes({ off: 65_536, data: bytes(219) }), 244);
  });

  it("gives numbers for integers of any width a server may choose", () => {
    for (const off of ["05", "1805", "190005", "1a00000005", "1b0000000000000005"]) {
      const body = hex(`a1636f6666${off}`);
      const frame = Buffer.concat([hex(`0b00 ${body.length.toString(16).padStart(4, "0")} 0001 00 01`), body]);
      assert.deepEqual(decodeMessage(frame).body, { off: 5 });
    }
  });

  it("refuses a length that lies, in both directions, and names both numbers", () => {
    assert.throws(() => decodeMessage(hex("0b00000900004200a0")), {
      code: "SMP_BAD_FRAME",
      message: "SMP header bytes 2..3 announce a body of 9 bytes, but 1 arrived",
    });
    assert.throws(() => decodeMessage(hex("0b00000100004200a0a0")), /announce a body of 1 bytes, but 2 arrived/);
  });

  it("refuses a body beyond the header's 16-bit length", () => {
    const message = { op: 2, version: 1, group: 1, seq: 0, id: 1, body: { data: bytes(0x10000) } };
    assert.throws(() => encodeMessage(message), { code: "SMP_FRAME_TOO_LARGE" });
  });

  it("does not let a device reach an object's prototype", () => {
    const { body } = decodeMessage(hex("0100000c0000 00 00 a1 69 5f5f70726f746f5f5f a0"));
    assert.equal(Object.getPrototypeOf(body), Object.prototype);
  });
});
