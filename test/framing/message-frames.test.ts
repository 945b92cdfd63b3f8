import assert from "node:assert/strict";
import { MessageFrames } from "../../src/framing/message-frames";
import { encodeHeader } from "../../src/smp/header";
import { RandomBytes } from "./random-bytes";

const STALE_MS = 1_000;

function answer(seq: number, body: Uint8Array): Uint8Array {
  return Buffer.concat([encodeHeader({ op: 3, version: 1, bodyBytes: body.length, group: 1, seq, id: 1 }), body]);
}

const answers = (): MessageFrames => new MessageFrames({ ops: [1, 3], staleMs: STALE_MS });
const hex = (frames: readonly Uint8Array[]): string[] => frames.map((frame) => Buffer.from(frame).toString("hex"));

describe("frames out of messages", () => {
  it("are put together and taken apart however they are cut", () => {
    for (let seed = 1; seed <= 50; seed++) {
      const random = new RandomBytes(seed);
      const frames = Array.from({ length: 10 }, (_, seq) => answer(seq, random.bytes(random.below(60))));
      const assembly = answers();
      const pieces = random.pieces(Buffer.concat(frames), 40);
      const got = pieces.flatMap((piece) => assembly.take("", piece, 0).frames);
      // A message that is whole by itself may stand in the middle of a frame; there is none in these.
      assert.deepEqual(hex(got), hex(frames), `seed ${seed}`);
      assert.equal(assembly.incomplete, 0);
    }
  });

  it("of several requests do not mingle when their pieces do", () => {
    const [one, other] = [answer(1, Buffer.alloc(30, 0xa1)), answer(2, Buffer.alloc(30, 0xb2))];
    const assembly = answers();
    assert.deepEqual(assembly.take("a", one.subarray(0, 12), 0).frames, []);
    assert.deepEqual(assembly.take("b", other.subarray(0, 20), 0).frames, []);
    assert.deepEqual(hex(assembly.take("a", one.subarray(12), 0).frames), hex([one]));
    assert.deepEqual(hex(assembly.take("b", other.subarray(20), 0).frames), hex([other]));
  });

  it("lose one frame only when a piece is lost", () => {
    const [first, second, third] = [1, 2, 3].map((seq) => answer(seq, Buffer.alloc(100, 0xa0 + seq)));
    const assembly = answers();
    assembly.take("", first!.subarray(0, 40), 0);
    assert.deepEqual(hex(assembly.take("", second!, 0).frames), hex([second!]));
    assert.equal(assembly.incomplete, 1);
    assert.deepEqual(hex(assembly.take("", third!, 0).frames), hex([third!]));
  });

  it("drop a part whose rest comes too late", () => {
    const frame = answer(1, Buffer.alloc(100, 0xa1));
    const assembly = answers();
    assembly.take("", frame.subarray(0, 40), 0);
    const { frames, garbage } = assembly.take("", frame.subarray(40), STALE_MS + 1);
    assert.deepEqual(frames, []);
    assert.equal(garbage?.length, frame.length - 40);
    assert.equal(assembly.incomplete, 1);
  });

  it("give what begins no answer as garbage, after the frames before it", () => {
    const frame = answer(1, Buffer.alloc(4, 0xa1));
    const assembly = answers();
    const { frames, garbage } = assembly.take("", Buffer.concat([frame, Buffer.from("<html>")]), 0);
    assert.deepEqual(hex(frames), hex([frame]));
    assert.equal(Buffer.from(garbage!).toString(), "<html>");
  });

  it("keep a bounded number of parts", () => {
    const assembly = answers();
    for (let key = 0; key < 1_000; key++) assembly.take(String(key), answer(1, Buffer.alloc(100)).subarray(0, 50), 0);
    assert.ok(assembly.incomplete > 900);
  });
});
