import assert from "node:assert/strict";
import { encodedFrameBytes } from "../../src/smp/message";
import {
  chunkFrameBytes,
  firstChunk,
  largestChunk,
  nextChunk,
  smallestFirstFrame,
  uploadBody,
  type FirstPacket,
} from "../../src/update/chunk";
import { rejectsWith } from "./expect";

const FIRST: FirstPacket = { image: 0, len: 65_536, sha: new Uint8Array(32), upgrade: false };

describe("chunk sizes", () => {
  // protocol.md, E22: keys off, data, len, sha in the first request; off, data later.
  const budgets = [
    { frame: 20, first: 0, middle: undefined, far: undefined },
    { frame: 244, first: 176, middle: 221, far: 219 },
    { frame: 384, first: 315, middle: 360, far: 358 },
    { frame: 495, first: 426, middle: 471, far: 469 },
    { frame: 1020, first: 951, middle: 996, far: 994 },
    { frame: 2475, first: 2406, middle: 2451, far: 2449 },
  ];
  for (const { frame, first, middle, far } of budgets) {
    it(`fills a frame of ${frame} bytes with ${first} image bytes at first`, () => {
      assert.equal(largestChunk(frame, 0, FIRST), first);
      if (middle === undefined || far === undefined) return;
      assert.equal(largestChunk(frame, 256, undefined), middle);
      assert.equal(largestChunk(frame, 65_535, undefined), middle);
      assert.equal(largestChunk(frame, 65_536, undefined), far);
    });
  }

  // protocol.md, E21 and 3.1.
  it("knows the exact length of the frames of the field reports", () => {
    assert.equal(chunkFrameBytes(160, 0, FIRST), 228);
    assert.equal(chunkFrameBytes(222, 160), 244);
    assert.equal(chunkFrameBytes(222, 382), 245);
    assert.equal(chunkFrameBytes(221, 382), 244);
    assert.equal(chunkFrameBytes(219, 65_536), 244);
    assert.equal(smallestFirstFrame(FIRST), 100);
    assert.equal(smallestFirstFrame({ ...FIRST, image: 1 }), 107);
    assert.equal(smallestFirstFrame({ ...FIRST, image: 1, upgrade: true }), 116);
  });

  it("gives the largest chunk that the encoder really fits into the frame, whatever the widths", () => {
    const firsts = [undefined, FIRST, { ...FIRST, len: 200, image: 3, upgrade: true }, { ...FIRST, len: 40_000 }];
    for (let frame = 60; frame < 66_000; frame = frame < 420 ? frame + 1 : Math.ceil(frame * 1.37)) {
      for (const [off, first] of [23, 24, 255, 256, 65_535, 65_536, 16_777_216].map((o) => [o, undefined] as const)) {
        checkExact(frame, off, first);
      }
      for (const first of firsts) checkExact(frame, 0, first);
    }
  });

  function checkExact(frame: number, off: number, first: FirstPacket | undefined): void {
    const most = largestChunk(frame, off, first);
    const bytes = (n: number): number => encodedFrameBytes(uploadBody(off, new Uint8Array(n), first));
    const at = `frame ${frame}, off ${off}, ${first ? "first" : "later"}, ${most} bytes`;
    if (most > 0) {
      assert.ok(bytes(most) <= frame, `${at}: too long`);
      assert.equal(chunkFrameBytes(most, off, first), bytes(most), at);
    }
    assert.ok(bytes(most + 1) > frame, `${at}: one more would fit`);
  }

  it("cuts the file at multiples of four, and keeps the rest for the last chunk", () => {
    const len = 1003;
    const ends = [firstChunk(246, { ...FIRST, len }).endBytes];
    for (let off = ends[0]!; off < len; off = ends.at(-1)!) ends.push(nextChunk(246, off, len).endBytes);
    assert.equal(ends.at(-1), len);
    assert.deepEqual(
      ends.slice(0, -1).filter((end) => end % 4 !== 0),
      [],
    );
    assert.ok(ends.length > 4);
  });

  it("goes on at an odd offset with whole words", () => {
    const chunk = nextChunk(246, 249, 5000);
    assert.equal(chunk.offBytes, 249);
    assert.equal((chunk.endBytes - 249) % 4, 0);
  });

  it("says what the first chunk needs when the frames are too small for it", async () => {
    const error = await rejectsWith("SMP_FRAME_TOO_LARGE", async () => firstChunk(61, FIRST));
    assert.match(error.message, /needs a frame of 100 bytes/);
    assert.match(error.message, /61/);
    assert.equal(error.details.frameLength, 100);
    assert.equal(error.details.limit, 61);
    assert.equal(firstChunk(100, FIRST).endBytes, 32);
  });
});
