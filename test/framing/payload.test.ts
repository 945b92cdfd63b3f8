import assert from "node:assert/strict";
import { SmpError } from "../../src/errors";
import { decodePayload, encodePayload, PAYLOAD_FORMS, type PayloadForm } from "../../src/framing/payload";
import { RandomBytes } from "./random-bytes";

const FRAME = Uint8Array.from([0x0b, 0, 0, 2, 0, 1, 66, 1, 0xbf, 0xff]);
const FRAMES = { kind: "frames", frames: [FRAME] };

function refusal(payload: unknown, form?: PayloadForm): SmpError {
  try {
    decodePayload(payload, form);
  } catch (error) {
    assert.ok(error instanceof SmpError, String(error));
    assert.equal(error.code, "SMP_BAD_FRAME");
    return error;
  }
  throw new assert.AssertionError({ message: "expected a refusal" });
}

describe("payload forms", () => {
  it("carry a frame there and back, whether the form is told or found out", () => {
    const random = new RandomBytes(1);
    for (const bytes of [FRAME, ...[1, 2, 3, 20, 500].map((length) => new Uint8Array(random.bytes(length)))]) {
      for (const form of PAYLOAD_FORMS) {
        const payload = encodePayload(form, { device: "a", id: "1", frame: bytes });
        const address = form === "envelope" ? { device: "a", id: "1" } : {};
        const expected = { kind: "frames", ...address, frames: [bytes] };
        assert.deepEqual(decodePayload(payload, form), expected, form);
        // Text this short may be of several forms.
        if (bytes.length >= 20) assert.deepEqual(decodePayload(payload), expected, form);
      }
    }
  });

  it("are text and objects that other programs understand", () => {
    const encode = (form: PayloadForm) => encodePayload(form, { device: "a", frame: FRAME });
    assert.equal(encode("base64"), "CwAAAgABQgG//w==");
    assert.equal(encode("hex"), "0b00000200014201bfff");
    assert.deepEqual(encode("envelope"), { v: 1, device: "a", frame: "CwAAAgABQgG//w==" });
    assert.ok(Buffer.isBuffer(encode("buffer")));
  });

  it("are recognised as MQTT, HTTP and JSON nodes give them", () => {
    const json = '{"device":"a","frame":"CwAAAgABQgG//w=="}';
    const enveloped = { ...FRAMES, device: "a" };
    assert.deepEqual(decodePayload(json), enveloped);
    assert.deepEqual(decodePayload(` ${json}\n`), enveloped);
    assert.deepEqual(decodePayload(Buffer.from(json)), enveloped);
    assert.deepEqual(decodePayload(JSON.parse(json)), enveloped);
    assert.deepEqual(decodePayload("0B:00 00:02 0001 4201 BF FF"), FRAMES);
    assert.deepEqual(decodePayload("CwAAAgABQgG__w"), FRAMES);
    assert.deepEqual(decodePayload("CwAAAgAB\r\nQgG//w==\r\n"), FRAMES);
    assert.deepEqual(decodePayload(JSON.parse(JSON.stringify(Buffer.from(FRAME)))), FRAMES);
  });

  it("with a form told take text in a Buffer as that", () => {
    assert.deepEqual(decodePayload(Buffer.from("CwAAAgABQgG//w=="), "base64"), FRAMES);
    assert.deepEqual(decodePayload(Buffer.from("0b00000200014201bfff"), "hex"), FRAMES);
  });

  it("leave a piece that begins with a brace alone", () => {
    const piece = Uint8Array.from(Buffer.from("{ no JSON }"));
    assert.deepEqual(decodePayload(piece), { kind: "frames", frames: [piece] });
  });

  it("that are none are refused with what they are", () => {
    const cases: [unknown, PayloadForm | undefined, RegExp][] = [
      [undefined, undefined, /not nothing/],
      [7, undefined, /not a number/],
      [[1, 2], undefined, /not a list/],
      ["hello, world", undefined, /not the text "hello, world"/],
      ["", undefined, /is empty/],
      [Buffer.alloc(0), undefined, /is empty/],
      ["0b0", "hex", /must be text of hex digits/],
      ["CwAAAgABQgG//w==", "buffer", /must be a Buffer, not the text/],
      ["CwAAAgABQgG//w==", "envelope", /is no JSON/],
    ];
    for (const [payload, form, said] of cases) assert.match(refusal(payload, form).message, said);
    assert.match(refusal({ answer: 42 }).message, /its members: answer/);
    assert.match(refusal("CwA=A", "base64").message, /must be base64 text/);
  });
});
