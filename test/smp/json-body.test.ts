import assert from "node:assert/strict";
import { runInNewContext } from "node:vm";
import { SmpError } from "../../src/errors";
import { describeCommands } from "../../src/smp/describe";
import { bodyFromJson, bodyToJson } from "../../src/smp/json-body";
import { decodeMessage, encodeMessage } from "../../src/smp/message";

const header = { op: 2, version: 1, group: 64, id: 0, seq: 0 } as const;

/** What a server reads of a request that was given as JSON. */
const received = (json: unknown): unknown =>
  decodeMessage(encodeMessage({ ...header, body: bodyFromJson(json, "msg.payload") })).body;

describe("a request as JSON", () => {
  it("becomes the same map", () => {
    const json = { text: "é", yes: true, no: null, list: [1, -2, 1.5, { a: [] }], map: { inner: {} } };
    assert.deepEqual(received(json), json);
  });

  it("has byte strings as Buffers, as $bytes in base64, and as Buffers that were turned into JSON", () => {
    const bytes = Buffer.from([0, 1, 254, 255]);
    const ways = [
      bytes,
      { $bytes: "AAH+/w==" },
      { $bytes: "AAH+/w" },
      JSON.parse(JSON.stringify(bytes)),
      new Uint8Array(bytes),
    ];
    for (const data of ways) assert.deepEqual(received({ deep: [{ data }] }), { deep: [{ data: bytes }] });
    assert.deepEqual(received({ data: { $bytes: "" } }), { data: Buffer.alloc(0) });
  });

  it("takes for a map what only resembles a Buffer that was turned into JSON", () => {
    const resembling = { type: "Buffer", data: [1, "x", 300] };
    assert.deepEqual(received({ a: resembling }), { a: resembling });
  });

  it("keeps large integers integers", () => {
    for (const value of [2 ** 32 - 1, 2 ** 32, 5e9, -5e9, Number.MAX_SAFE_INTEGER]) {
      const frame = encodeMessage({ ...header, body: bodyFromJson({ a: value }, "it") });
      // RFC 8949: major types 0 and 1 are integers, 7 holds floats.
      assert.ok(frame[8 + 3]! >> 5 <= 1, `${value}`);
      assert.deepEqual(decodeMessage(frame).body, { a: value });
    }
  });

  it("may be the CBOR itself, in any of the forms of bytes", () => {
    // RFC 8949: {_ "d": "hi", "n": 2^33, "b": h'00ff'}
    const cbor = Buffer.from("bf6164626869616e1b000000020000000061624200ffff", "hex");
    for (const given of [cbor, { $bytes: cbor.toString("base64") }, JSON.parse(JSON.stringify(cbor))])
      assert.deepEqual(received(given), { d: "hi", n: 2 ** 33, b: Buffer.from([0, 255]) });
  });

  it("may come from a function node, which has objects of its own", () => {
    assert.deepEqual(received(runInNewContext("({ a: { b: [1, { c: 2 }] }, d: undefined })")), {
      a: { b: [1, { c: 2 }] },
    });
  });

  const wrong: [unknown, RegExp][] = [
    ["text", /^msg\.payload is no object/],
    [[1], /^msg\.payload is no object/],
    [undefined, /no object/],
    [Buffer.from("a"), /^msg\.payload is 1 bytes that are no request: the CBOR body is malformed/],
    [{ $bytes: "AA==" }, /^msg\.payload is 1 bytes that are no request/],
    [Buffer.from("bf6161f97e00ff", "hex"), /^msg\.payload\.a is NaN/],
    [{ when: new Date() }, /^msg\.payload\.when is a Date/],
    [{ a: [0, { b: () => 0 }] }, /^msg\.payload\.a\[1\]\.b is a function/],
    [{ a: new Map() }, /\.a is a Map/],
    [{ a: Number.NaN }, /\.a is NaN/],
    [{ a: { $bytes: "§" } }, /\.a must be \{"\$bytes"/],
    [{ a: { $bytes: "AAAAA" } }, /\.a must be \{"\$bytes"/],
    [{ a: { $bytes: "AAAA", more: 1 } }, /\.a must be \{"\$bytes"/],
  ];
  for (const [json, message] of wrong) {
    it(`is refused with the place of the fault: ${message}`, () => {
      assert.throws(
        () => bodyFromJson(json, "msg.payload"),
        (error: SmpError) => {
          assert.equal(error.code, "SMP_BAD_INPUT");
          assert.match(error.message, message);
          return true;
        },
      );
    });
  }

  it("is refused when it is endless", () => {
    const endless: Record<string, unknown> = {};
    endless["again"] = endless;
    assert.throws(() => bodyFromJson(endless, "it"), /levels deep/);
  });
});

describe("an answer as JSON", () => {
  it("has Buffers that do not keep the frame, and text for integers that JSON cannot hold", () => {
    const frame = Buffer.from("0000000000000000a2616142beef61621bffffffffffffffff", "hex");
    const arrived = Buffer.concat([frame]);
    arrived.writeUInt16BE(arrived.length - 8, 2);
    const { a, b } = bodyToJson(decodeMessage(arrived).body);
    arrived.fill(0);
    assert.deepEqual([a, b], [Buffer.from("beef", "hex"), "18446744073709551615"]);
  });
});

describe("the description of the command table", () => {
  it("is plain data that says what each request takes", () => {
    const all = describeCommands();
    assert.deepEqual(JSON.parse(JSON.stringify(all)), all);
    const upload = all.find(({ name }) => name === "image.upload")!;
    assert.deepEqual([upload.op, upload.group, upload.id], ["write", 1, 1]);
    assert.deepEqual(
      upload.request.filter(({ key }) => ["off", "data", "sha"].includes(key)),
      [
        { key: "off", type: "an unsigned integer", isOptional: false },
        { key: "sha", type: "a byte string", isOptional: true },
        { key: "data", type: "a byte string", isOptional: false },
      ],
    );
    assert.equal(all.find(({ name }) => name === "os.reset")!.request[0]!.type, "any value");
  });
});
