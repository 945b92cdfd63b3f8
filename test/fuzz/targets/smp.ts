import assert from "node:assert/strict";
import * as fc from "fast-check";
import { cborFault } from "../../../src/smp/cbor-check";
import { COMMANDS } from "../../../src/smp/commands";
import { decodeHeader, encodeHeader } from "../../../src/smp/header";
import { decodeBody, decodeMessage, encodedFrameBytes, encodeMessage, type Message } from "../../../src/smp/message";
import { parseResponse } from "../../../src/smp/response";
import { bytes, cborMap, damaged } from "../inputs";
import { refusedOrDone, target } from "../target";

const header = fc.record({
  op: fc.nat(7),
  version: fc.nat(3),
  group: fc.nat(0xffff),
  seq: fc.nat(0xff),
  id: fc.nat(0xff),
});

const message: fc.Arbitrary<Message> = fc.tuple(header, cborMap).map(([head, body]) => ({ ...head, body }));
const indefinite = fc.boolean();
export const frame: fc.Arbitrary<Uint8Array> = fc
  .tuple(message, indefinite)
  .map(([each, isIndefinite]) => encodeMessage(each, { indefinite: isIndefinite }));

/** Bodies that nearly fit the rows of the command table. */
const answerBody = fc.oneof(
  cborMap,
  fc.record({ rc: fc.oneof(fc.integer(), fc.string()), rsn: fc.anything() }, { requiredKeys: [] }),
  fc.record({ err: fc.oneof(cborMap, fc.record({ group: fc.nat(), rc: fc.integer() })), off: fc.anything() }),
  fc.record({ images: fc.array(fc.oneof(cborMap, fc.record({ slot: fc.nat(), version: fc.string() }))) }),
);

/** The one key that the CBOR library renames, so that no answer can reach a prototype. */
function renamed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(renamed);
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => [key === "__proto__" ? "__proto_" : key, renamed(entry)]),
  );
}

/** Values in a decoded body, and their bytes. */
function sizeOf(value: unknown): number {
  if (typeof value === "string" || value instanceof Uint8Array) return 1 + value.length;
  if (typeof value !== "object" || value === null) return 1;
  return Object.entries(value).reduce((sum, [key, entry]) => sum + key.length + sizeOf(entry), 1);
}

export const SMP_TARGETS = [
  target("SMP header: comes back as it was encoded", fc.tuple(header, fc.nat(0xffff)), ([head, bodyBytes]) => {
    assert.deepEqual(decodeHeader(encodeHeader({ ...head, bodyBytes })), { ...head, bodyBytes });
  }),
  target("SMP header: any bytes are decoded or refused", bytes(12), (input) => {
    const decoded = refusedOrDone(() => decodeHeader(input));
    assert.equal(decoded === undefined, input.length < 8);
  }),
  target("SMP message: comes back as it was encoded", fc.tuple(message, indefinite), ([sent, isIndefinite]) => {
    const encoded = encodeMessage(sent, { indefinite: isIndefinite });
    assert.deepEqual(decodeMessage(encoded), decodeMessage(encodeMessage(decodeMessage(encoded))));
    assert.deepEqual(decodeMessage(encoded).body, renamed(sent.body));
    if (!isIndefinite) assert.equal(encodedFrameBytes(sent.body), encoded.length);
  }),
  target(
    "SMP message: a damaged frame is decoded or refused",
    damaged(frame),
    (input) => {
      const decoded = refusedOrDone(() => decodeMessage(input));
      if (decoded) assert.ok(sizeOf(decoded.body) <= 3 * input.length, "it is not larger than what came");
    },
    30,
  ),
  target(
    "CBOR body: any bytes are decoded or refused, and not by accident",
    bytes(),
    (input) => {
      const fault = cborFault(input);
      const decoded = refusedOrDone(() => decodeBody(input));
      assert.equal(decoded === undefined, fault !== undefined);
    },
    20,
  ),
  target(
    "CBOR body: any value in a map is decoded or refused, and not by accident",
    bytes(6).map((value) => Buffer.concat([Buffer.from("a16161", "hex"), value])),
    (input) => assert.equal(refusedOrDone(() => decodeBody(input)) === undefined, cborFault(input) !== undefined),
    20,
  ),
  target(
    "CBOR body: a damaged one is decoded if it is well-formed, and refused if not",
    damaged(frame),
    (input) => {
      const body = input.subarray(8);
      assert.equal(refusedOrDone(() => decodeBody(body)) === undefined, cborFault(body) !== undefined);
    },
    20,
  ),
  target(
    "answers: any body fits its row or is refused",
    fc.tuple(fc.constantFrom(...COMMANDS), answerBody),
    ([row, body]) => {
      refusedOrDone(() => parseResponse(row, body));
    },
  ),
];
