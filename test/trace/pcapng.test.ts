import assert from "node:assert/strict";
import { pcapng } from "../../src/trace/pcapng";
import { timed } from "../../src/trace/read";
import type { FrameRecord } from "../../src/trace/record";
import { Kept, tracedUpdate } from "./bench";

interface Block {
  readonly type: number;
  readonly body: Buffer;
}

/** As a reader of captures cuts them (draft-ietf-opsawg-pcapng, section 3.1). */
function blocksOf(capture: Buffer): Block[] {
  const blocks: Block[] = [];
  for (let at = 0; at < capture.length;) {
    const length = capture.readUInt32LE(at + 4);
    assert.equal(length % 4, 0);
    assert.equal(capture.readUInt32LE(at + length - 4), length, "the length stands at both ends");
    blocks.push({ type: capture.readUInt32LE(at), body: capture.subarray(at + 8, at + length - 4) });
    at += length;
  }
  return blocks;
}

function optionsOf(bytes: Buffer): Map<number, string> {
  const options = new Map<number, string>();
  for (let at = 0; at < bytes.length;) {
    const [code, length] = [bytes.readUInt16LE(at), bytes.readUInt16LE(at + 2)];
    options.set(code, bytes.toString("utf8", at + 4, at + 4 + length));
    at += 4 + Math.ceil(length / 4) * 4;
  }
  assert.equal([...options.keys()].at(-1), 0, "they end with their end");
  return options;
}

/** An enhanced packet block. */
function packetOf({ type, body }: Block) {
  assert.equal(type, 6);
  const captured = body.readUInt32LE(12);
  const micros = BigInt(body.readUInt32LE(4)) * 2n ** 32n + BigInt(body.readUInt32LE(8));
  return {
    ms: Number(micros) / 1000,
    interface: body.readUInt32LE(0),
    data: body.subarray(20, 20 + captured),
    wireBytes: body.readUInt32LE(16),
    comment: optionsOf(body.subarray(20 + Math.ceil(captured / 4) * 4)).get(1)!,
  };
}

/** The 16-bit ones' complement sum over a header with a right checksum is all ones (RFC 1071). */
function sumOf(header: Buffer): number {
  let sum = 0;
  for (let at = 0; at < header.length; at += 2) sum += header.readUInt16BE(at);
  return (sum & 0xffff) + (sum >> 16);
}

describe("the capture of a trace", () => {
  let whole: FrameRecord[];
  before(async () => (whole = (await tracedUpdate(new Kept("whole"))).traced));
  const capture = (frames: readonly FrameRecord[]): Block[] => blocksOf(Buffer.concat([...pcapng(timed(frames))]));

  it("begins with a section and an interface for each device", () => {
    const other = { ...whole[0]!, device: "other", link: "udp:other" };
    const [section, one, , ...rest] = capture([...whole.slice(0, 1), other]);
    assert.equal(section!.type, 0x0a0d0d0a);
    assert.equal(section!.body.readUInt32LE(0), 0x1a2b3c4d);
    assert.equal(section!.body.readUInt16LE(4), 1);
    assert.deepEqual([one!.type, one!.body.readUInt16LE(0)], [1, 101]);
    assert.equal(optionsOf(one!.body.subarray(8)).get(2), "sensor-1 (virtual:sensor-1)");
    assert.equal(optionsOf(rest[0]!.body.subarray(8)).get(2), "other (udp:other)");
    assert.equal(packetOf(rest[1]!).interface, 1);
  });

  it("has every frame as a datagram to or from port 1337, at its time", () => {
    const packets = capture(whole).slice(2).map(packetOf);
    assert.equal(packets.length, whole.length);
    const startMs = Date.parse(whole[0]!.at);
    for (const [index, { data, wireBytes, ms, comment }] of packets.entries()) {
      const frame = whole[index]!;
      assert.equal(data.subarray(28).toString("hex"), frame.hex);
      assert.deepEqual([data[0], data[9], data.readUInt16BE(2), wireBytes], [0x45, 17, data.length, data.length]);
      assert.equal(sumOf(data.subarray(0, 20)), 0xffff);
      assert.equal(data.readUInt16BE(24), data.length - 20);
      assert.equal(data.readUInt16BE(frame.dir === "out" ? 22 : 20), 1337);
      assert.ok(Math.abs(ms - startMs - (frame.ms - whole[0]!.ms)) < 0.002);
      assert.ok(comment.includes(frame.command!));
    }
  });

  it("has what is known of frames without firmware bytes, and their true length", async () => {
    const described = (await tracedUpdate(new Kept())).of("image.upload", "out");
    for (const [index, { data, wireBytes }] of capture(described).slice(2).map(packetOf).entries()) {
      const { hex, bytes } = described[index]!;
      assert.equal(data.subarray(28).toString("hex"), hex.slice(0, hex.indexOf("<")));
      assert.equal(wireBytes, 28 + bytes);
      assert.equal(data.readUInt16BE(2), wireBytes);
    }
  });

  it("has frames that are longer than any datagram", () => {
    const frame = { ...whole[0]!, bytes: 65_543, hex: "00".repeat(65_543) };
    const { data, wireBytes } = packetOf(capture([frame])[2]!);
    assert.deepEqual([data.readUInt16BE(2), wireBytes], [65_535, 65_571]);
  });
});
