import assert from "node:assert/strict";
import { RawDecoder } from "../../src/framing/raw";
import { RandomBytes } from "./random-bytes";

const hex = (frame: Uint8Array): string => Buffer.from(frame).toString("hex");
/** A frame of an answer with that many bytes of body. */
function answer(bodyBytes: number, body = 0x41): Buffer {
  const frame = Buffer.alloc(8 + bodyBytes, body);
  frame.set([0x0b, 0, bodyBytes >> 8, bodyBytes & 0xff, 0, 1, 7, 1]);
  return frame;
}
const client = (): RawDecoder => new RawDecoder({ ops: [1, 3], maxFrameBytes: 2_000, onBadHeader: "search" });
const server = (): RawDecoder => new RawDecoder({ ops: [0, 1, 2, 3], maxFrameBytes: 384, onBadHeader: "drop-all" });

describe("raw serial framing", () => {
  it("cuts frames apart, however they arrive", () => {
    for (let seed = 1; seed <= 100; seed++) {
      const random = new RandomBytes(seed);
      const frames = Array.from({ length: 8 }, () => answer(random.below(1_900), random.below(256)));
      const decoder = client();
      const found = random
        .pieces(Buffer.concat(frames), 1 + random.below(700))
        .flatMap((piece) => decoder.take(piece, 5));
      assert.deepEqual(found.map(hex), frames.map(hex), `seed ${seed}`);
      assert.equal(decoder.droppedBytes, 0);
    }
  });

  it("finds an answer behind text that a device printed while it booted", () => {
    const decoder = client();
    const boot = Buffer.from("*** Booting MCUboot v2.1.0 ***\r\n");
    assert.deepEqual(decoder.take(Buffer.concat([boot, answer(30)]), 5).map(hex), [hex(answer(30))]);
    assert.equal(decoder.droppedBytes, boot.length);
  });

  it("drops all that has come after an impossible header, as a server does", () => {
    const decoder = server();
    const request = Buffer.from("0a00000100000102a0", "hex");
    assert.deepEqual(decoder.take(Buffer.concat([Buffer.from([0xff]), request]), 5), []);
    assert.deepEqual(decoder.take(request, 6).map(hex), [hex(request)]);
    assert.deepEqual(decoder.take(answer(377), 7), [], "longer than its buffer");
  });

  it("forgets a frame whose rest does not come for three seconds", () => {
    const decoder = client();
    assert.deepEqual(decoder.take(answer(30).subarray(0, 20), 1_000), []);
    assert.deepEqual(decoder.take(answer(10), 4_000).map(hex), [hex(answer(10))]);
    assert.deepEqual(decoder.take(answer(30).subarray(0, 20), 5_000), []);
    assert.deepEqual(decoder.take(answer(30).subarray(20), 7_999).map(hex), [hex(answer(30))]);
  });

  it("holds no more than one frame of whatever comes", () => {
    const decoder = client();
    const random = new RandomBytes(3);
    let held = 0;
    for (let i = 0; i < 2_000; i++) {
      const noise = random.bytes(500);
      held += noise.length - decoder.take(noise, i).reduce((sum, frame) => sum + frame.length, 0);
      assert.ok(held - decoder.droppedBytes < 2_500, "dropped or delivered, but for one frame");
    }
  });
});
