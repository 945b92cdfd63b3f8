import assert from "node:assert/strict";
import { FrameQueue } from "../../src/transport/frame-queue";

const frame = (byte: number): Uint8Array => Uint8Array.of(byte);

async function readAll(queue: FrameQueue): Promise<number[]> {
  const bytes: number[] = [];
  for await (const [byte] of queue) bytes.push(byte!);
  return bytes;
}

describe("frame queue", () => {
  it("delivers in order, whether the consumer or the frame comes first", async () => {
    const queue = new FrameQueue();
    queue.push(frame(1));
    const all = readAll(queue);
    queue.push(frame(2));
    await new Promise((resolve) => setImmediate(resolve));
    queue.push(frame(3));
    queue.push(frame(4));
    queue.end();
    assert.deepEqual(await all, [1, 2, 3, 4]);
  });

  it("drops the oldest of a backlog that nobody reads, and counts", async () => {
    const queue = new FrameQueue(3);
    for (let byte = 1; byte <= 5; byte++) queue.push(frame(byte));
    queue.end();
    assert.equal(queue.dropped, 2);
    assert.deepEqual(await readAll(queue), [3, 4, 5]);
  });

  it("delivers what came before a failure, then throws it", async () => {
    const queue = new FrameQueue();
    queue.push(frame(1));
    queue.fail(new Error("gone"));
    queue.push(frame(2));
    const read: number[] = [];
    await assert.rejects(async () => {
      for await (const [byte] of queue) read.push(byte!);
    }, /gone/);
    assert.deepEqual(read, [1]);
  });

  it("wakes a waiting consumer with the failure", async () => {
    const queue = new FrameQueue();
    const all = readAll(queue);
    queue.fail(new Error("gone"));
    await assert.rejects(all, /gone/);
  });

  it("keeps to the first end", async () => {
    const queue = new FrameQueue();
    queue.end();
    queue.fail(new Error("too late"));
    assert.deepEqual(await readAll(queue), []);
  });

  it("refuses a second consumer", () => {
    const queue = new FrameQueue();
    queue[Symbol.asyncIterator]();
    assert.throws(() => queue[Symbol.asyncIterator](), { code: "SMP_INTERNAL" });
  });

  it("keeps nothing once its consumer has left", async () => {
    const queue = new FrameQueue(2);
    queue.push(frame(1));
    for await (const _ of queue) break;
    for (let byte = 0; byte < 9; byte++) queue.push(frame(byte));
    assert.equal(queue.dropped, 0);
  });
});
