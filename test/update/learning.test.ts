import assert from "node:assert/strict";
import { fromNth, loseAnswer, loseRequest, nth, only, type Fault } from "../../src/device/faults";
import { image } from "../../src/smp/commands";
import { buildImage } from "../build-image";
import { B, SMALL, SMALL_FILE, useBench, type Bench } from "./bench";
import { rejectsWith } from "./expect";

const LONG = buildImage({ version: "1.1.0", payloadBytes: 60_000 });
const OTHER = buildImage({ version: "1.2.0", payloadBytes: 90_000 });
const chunks = (fault: Fault): Fault => only(image.upload, fault);

/** Frames that carry chunks, first chunks aside. */
function chunkFrames(bench: Bench): number[] {
  return bench.sent
    .filter(({ command, body }) => command === "image.upload" && body["off"] !== 0)
    .map(({ frameBytes }) => frameBytes);
}

describe("what an upload learns", () => {
  const newBench = useBench();

  it("lets a lost chunk be noticed in well under the command's deadline", async () => {
    for (const [fault, window] of [
      [loseRequest, 1],
      [loseAnswer, 1],
      [loseRequest, 3],
    ] as const) {
      const bench = newBench(SMALL);
      bench.device.faults.add(chunks(nth(20, fault)));
      const file = buildImage({ version: "1.3.0", payloadBytes: 8_000 });
      const { elapsedMs, retries } = await bench.upload(file, { window });
      bench.assertSlot(1, file);
      assert.equal(retries, 1);
      assert.ok(elapsedMs < image.upload.timeoutMs / 2, `${elapsedMs} ms`);
    }
  });

  it("does not send the chunk again that makes the device erase a slow page", async () => {
    const bench = newBench({
      ...SMALL,
      slotBytes: 128 * 1024,
      profile: "zephyr-4.4",
      progressiveErase: true,
      pace: { erasePageMs: 900 },
    });
    const result = await bench.upload(LONG, { window: 1 });
    bench.assertSlot(1, LONG);
    assert.equal(result.retries, 0);
  });

  it("makes frames smaller while large ones get lost, and large again afterwards", async () => {
    const bench = newBench({ bufSize: 1024, bufCount: 4 });
    let isBad = false;
    bench.device.faults.add((exchange) => {
      if (isBad && exchange.packet.length > 600) exchange.lose();
    });
    const onProgress = ({ offBytes }: { offBytes: number }): void =>
      void (isBad = offBytes > 5_000 && offBytes < 20_000);
    await bench.upload(LONG, { onProgress });
    bench.assertSlot(1, LONG);
    const frames = chunkFrames(bench);
    const largest = (from: number, to?: number): number => Math.max(...frames.slice(from, to));
    assert.ok(largest(0, 5) > 900 && largest(-5) > 900, JSON.stringify(frames));
    assert.ok(Math.min(...frames.slice(0, -1)) < 600);
  });

  it("tries larger frames ever more seldom where they never get through", async () => {
    const bench = newBench({ bufSize: 1024, bufCount: 4 });
    bench.device.faults.add((exchange) => {
      if (exchange.packet.length > 400) exchange.lose();
    });
    await bench.upload(LONG);
    bench.assertSlot(1, LONG);
    const tooLarge = chunkFrames(bench).filter((bytes) => bytes > 400).length;
    assert.ok(tooLarge < 15, `${tooLarge} frames in vain`);
  });

  it("never tries a larger frame again where the device says that it is too large", async () => {
    const bench = newBench({ bufSize: 1024 });
    let refused = 0;
    bench.device.faults.add(
      chunks((exchange) => {
        if (exchange.packet.length <= 500) return;
        refused++;
        exchange.refuse({ rc: 9 });
      }),
    );
    await bench.upload(LONG, { window: 1 });
    bench.assertSlot(1, LONG);
    assert.ok(refused <= 2, `${refused} refusals`);
  });

  it("is there for the next upload to the same device: the first frame is small enough at once", async () => {
    const bench = newBench({ bufSize: 1024 });
    bench.device.faults.add((exchange) => {
      if (exchange.packet.length > 400) exchange.lose();
    });
    await bench.upload(LONG);
    const firstChunks = bench.firstChunks;
    assert.ok(firstChunks > 1, "the first upload had to find out");
    await bench.upload(OTHER);
    bench.assertSlot(1, OTHER);
    assert.equal(bench.firstChunks, firstChunks + 1);
  });

  it("is no reason to give up sooner: silence of less than 50 s ends no upload", async () => {
    const bench = newBench({ ...SMALL, slotBytes: 128 * 1024 });
    let silentSinceMs: number | undefined;
    bench.device.faults.add(
      chunks((exchange) => {
        if (Number(exchange.body["off"]) < 10_000) return;
        silentSinceMs ??= performance.now();
        if (performance.now() - silentSinceMs < 45_000) exchange.lose();
      }),
    );
    await bench.upload(LONG);
    bench.assertSlot(1, LONG);
  });

  it("ends in a timeout when the silence lasts, though each wait was short at first", async () => {
    const bench = newBench({ ...SMALL, slotBytes: 128 * 1024 });
    bench.device.faults.add(chunks(fromNth(100, loseRequest)));
    const startMs = performance.now();
    const error = await rejectsWith("SMP_TIMEOUT", () => bench.upload(LONG));
    const tookMs = performance.now() - startMs;
    assert.ok(tookMs > 50_000 && tookMs < 120_000, `${tookMs} ms`);
    assert.match(error.message, /no progress in \d+ tries/);
  });

  it("never sends the first chunk again while the device may be erasing", async () => {
    const bench = newBench({ ...SMALL, slotBytes: 128 * 1024, slot1: B, pace: { erasePageMs: 1_200 } });
    await bench.upload(LONG);
    await bench.upload(OTHER);
    bench.assertSlot(1, OTHER);
    assert.equal(bench.firstChunks, 2);
  });

  it("waits longer for the erase of a device that took longer than usual before", async () => {
    const bench = newBench({ ...SMALL, slotBytes: 128 * 1024, slot1: B, pace: { erasePageMs: 3_500 } });
    await bench.upload(LONG);
    const before = bench.firstChunks;
    assert.equal(before, 2, "it took more than the 40 s that are usual");
    await bench.upload(OTHER);
    bench.assertSlot(1, OTHER);
    assert.equal(bench.firstChunks, before + 1);
  });

  it("keeps the window that a device stood, until it shows that it stands more", async () => {
    const bench = newBench({ ...SMALL, slotBytes: 128 * 1024, bufCount: 9, pace: { requestMs: 5 } });
    bench.device.faults.add(chunks((exchange) => exchange.number % 40 === 0 && exchange.lose()));
    await bench.upload(LONG);
    bench.device.faults.clear();
    bench.mostUnanswered = 0;
    await bench.upload(SMALL_FILE);
    assert.ok(bench.mostUnanswered < 8, `${bench.mostUnanswered} at once`);
    await bench.upload(OTHER);
    assert.equal(bench.mostUnanswered, 8);
  });
});
