import assert from "node:assert/strict";
import { join } from "node:path";
import { loseAnswer, nth, only } from "../../src/device/faults";
import { inspectFirmware } from "../../src/image/inspect";
import { openFirmware } from "../../src/image/source";
import { image } from "../../src/smp/commands";
import type { UploadProgress } from "../../src/update/types";
import { uploadFirmware } from "../../src/update/upload";
import { buildImage } from "../build-image";
import { imageBytes } from "../images";
import { B, SMALL, SMALL_FILE, useBench } from "./bench";
import { rejectsWith } from "./expect";

describe("upload", () => {
  const newBench = useBench();

  it("puts the file into the free slot and proves it by the image state", async () => {
    const bench = newBench();
    const result = await bench.upload(B);
    bench.assertSlot(1, B);
    assert.equal(result.outcome, "uploaded");
    assert.equal(result.sentBytes, B.length);
    assert.equal(result.resumedFromBytes, 0);
    assert.equal(result.retries, 0);
    assert.equal(result.firmware.version, "1.2.3+4");
    assert.deepEqual(
      result.images.map(({ slot, version, hash }) => ({ slot, version, isIt: hash === result.firmware.hash })),
      [
        { slot: 0, version: "1.0.0", isIt: false },
        { slot: 1, version: "1.2.3+4", isIt: true },
      ],
    );
    assert.equal(bench.firstChunks, 1);
  });

  it("tells its phases, and each offset that the device has acknowledged", async () => {
    const bench = newBench({ pace: "real" });
    const seen: UploadProgress[] = [];
    const result = await bench.upload(B, { onProgress: (progress) => seen.push(progress) });
    assert.deepEqual(
      [...new Set(seen.map((progress) => progress.phase))],
      ["checking", "erasing", "uploading", "verifying"],
    );
    const offsets = seen.map((progress) => progress.offBytes);
    assert.deepEqual(
      offsets,
      offsets.toSorted((a, b) => a - b),
    );
    assert.equal(offsets.at(-1), B.length);
    const halfway = seen.find((progress) => progress.offBytes > B.length / 2)!;
    assert.ok(halfway.bytesPerSecond > 0);
    // What it estimates halfway is what the other half then takes, within a quarter.
    const restMs = halfway.etaMs!;
    assert.ok(restMs > result.elapsedMs / 5 && restMs < result.elapsedMs, `${restMs} of ${result.elapsedMs} ms`);
  });

  for (const mode of [
    "swap-move",
    "swap-scratch",
    "swap-offset",
    "overwrite",
    "direct-xip",
    "direct-xip-revert",
  ] as const) {
    it(`works in ${mode} mode`, async () => {
      const bench = newBench({ mode });
      assert.equal((await bench.upload(B)).outcome, "uploaded");
      bench.assertSlot(1, B);
    });
  }

  for (const profile of ["zephyr-4.4", "zephyr-3.5", "zephyr-3.4", "zephyr-3.2"] as const) {
    it(`works with ${profile}`, async () => {
      const bench = newBench({ profile });
      assert.equal((await bench.upload(B)).outcome, "uploaded");
      bench.assertSlot(1, B);
    });
  }

  for (const bufCount of [2, 4]) {
    for (let window = 1; window <= 8; window++) {
      it(`loses nothing with a window of ${window} on a device of ${bufCount} buffers`, async () => {
        const bench = newBench({ ...SMALL, bufCount });
        const result = await bench.upload(SMALL_FILE, { window });
        bench.assertSlot(1, SMALL_FILE);
        assert.equal(result.sentBytes, SMALL_FILE.length);
      });
    }
  }

  it("has several chunks under way when the device has buffers for them", async () => {
    const bench = newBench({ bufCount: 5, pace: { requestMs: 100 } });
    const one = await bench.upload(B, { window: 1 });
    const other = newBench({ bufCount: 5, pace: { requestMs: 100 } });
    const many = await other.upload(B);
    other.assertSlot(1, B);
    assert.equal(many.sentBytes, one.sentBytes);
    assert.ok(other.mostUnanswered > 1 && other.mostUnanswered <= 4, `${other.mostUnanswered}`);
    assert.equal(bench.mostUnanswered, 1);
  });

  for (const [linkBytes, payloadBytes] of [
    [100, 5_000],
    [116, 5_000],
    [244, 70_000],
    [495, 70_000],
  ] as const) {
    it(`keeps to a link that carries ${linkBytes} bytes`, async () => {
      const file = buildImage({ version: "1.1.0", payloadBytes });
      const bench = newBench({ linkBytes });
      await bench.upload(file);
      bench.assertSlot(1, file);
      assert.ok(bench.sent.every((each) => each.frameBytes <= linkBytes));
      const largest = Math.max(...bench.sent.map((each) => each.frameBytes));
      assert.ok(largest > linkBytes - 5, `frames of ${largest} bytes leave room unused`);
    });
  }

  it("reads a file of 400 KiB from disk as it goes", async () => {
    const bench = newBench({ slotBytes: 512 * 1024 });
    const source = await openFirmware(join(__dirname, "../images/ed25519-large-4.0.0.bin"));
    try {
      const info = await inspectFirmware(source);
      const result = await bench.run((device) => uploadFirmware(device, source, info));
      assert.equal(result.sentBytes, source.sizeBytes);
      bench.assertSlot(1, imageBytes("ed25519-large-4.0.0.bin"));
    } finally {
      await source.close();
    }
  });

  it("goes on from the offset that MCUboot's recovery gives, which keeps back what does not fill a flash word", async () => {
    const recovery = {
      bufSize: 1024,
      parameters: true,
      echo: false,
      alignBytes: 16,
      directUpload: false,
      listsFirstImage: true,
    };
    const bench = newBench({ profile: "mcuboot-recovery", recovery });
    const result = await bench.upload(B, { allowRecovery: true });
    bench.assertSlot(0, B);
    assert.equal(result.retries, 0);
    assert.deepEqual(
      result.images.map((slot) => slot.version),
      ["1.2.3+4"],
    );
  });

  it("uploads the image of another number into that image's slot", async () => {
    const file = buildImage({ version: "2.0.0", payloadBytes: 3_000 });
    const bench = newBench({ imageCount: 2, image1Slot0: buildImage({ version: "1.9.0" }) });
    const result = await bench.upload(file, { image: 1 });
    assert.equal(result.images.find((slot) => slot.hash === result.firmware.hash)?.image, 1);
    assert.deepEqual(Buffer.from(bench.device.store.slot(1, 1).read(0, file.length)), file);
  });

  it("begins with the other image as well, whose first chunk is longer than the smallest of the one before", async () => {
    const bench = newBench({ imageCount: 2, image1Slot0: buildImage({ version: "1.9.0" }) });
    bench.device.faults.add(only(image.upload, nth(1, loseAnswer)));
    await bench.upload(buildImage({ version: "1.1.0" }));
    const file = buildImage({ version: "2.0.0" });
    await bench.upload(file, { image: 1 });
    assert.deepEqual(Buffer.from(bench.device.store.slot(1, 1).read(0, file.length)), file);
  });

  it("asks the device as well to refuse what is not newer, if that is wanted: it does not look at build numbers", async () => {
    const bench = newBench({ slot0: B });
    const error = await rejectsWith("SMP_DEVICE", () =>
      bench.upload(buildImage({ version: "1.2.3+5" }), { upgradeOnly: true }),
    );
    assert.equal(error.details.rcName, "CURRENT_VERSION_IS_NEWER");
    assert.equal(error.details.verdict, "refused-downgrade");
    assert.equal(error.details.phase, "erasing");
    assert.equal(error.retryable, false);
    assert.deepEqual(
      bench.device.store.list().map((slot) => slot.slot),
      [0],
    );
  });

  it("refuses a window and an image number that cannot be", async () => {
    const bench = newBench();
    assert.equal((await rejectsWith("SMP_BAD_INPUT", () => bench.upload(B, { window: 9 }))).details.field, "window");
    assert.equal((await rejectsWith("SMP_BAD_INPUT", () => bench.upload(B, { image: -1 }))).details.field, "image");
    assert.equal(bench.requests("image.upload").length, 0);
  });
});
