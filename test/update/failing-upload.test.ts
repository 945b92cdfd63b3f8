import assert from "node:assert/strict";
import { fromNth, loseRequest, nth, only, refuseWith, takeOverUpload, type Fault } from "../../src/device/faults";
import type { Exchange } from "../../src/device/exchange";
import type { SmpErrorCode } from "../../src/errors";
import { inspectFirmware } from "../../src/image/inspect";
import { openFirmware } from "../../src/image/source";
import { image } from "../../src/smp/commands";
import { decodeMessage, encodeMessage } from "../../src/smp/message";
import { uploadFirmware } from "../../src/update/upload";
import { buildImage } from "../build-image";
import { B, SMALL, SMALL_FILE, useBench } from "./bench";
import { rejectsWith } from "./expect";

const LARGER = buildImage({ version: "1.1.0", payloadBytes: 9_000 });

describe("upload that cannot work", () => {
  const newBench = useBench();

  it("ends, wherever the device goes silent, with what was sent, expected and received", async () => {
    const codes = new Map<string, SmpErrorCode>();
    const undisturbed = newBench(SMALL);
    await undisturbed.upload(SMALL_FILE);
    for (let position = 2; position <= undisturbed.sent.length; position++) {
      const bench = newBench(SMALL);
      bench.device.faults.add(fromNth(position, loseRequest));
      const error = await rejectsWith("SMP_TIMEOUT", () => bench.upload(SMALL_FILE, { window: 1 }));
      codes.set(error.details.phase!, error.code);
      assert.equal(error.retryable, true);
      assert.equal(error.details.device, "sensor-1");
      assert.ok(error.hint.length > 0);
      if (error.details.phase === "uploading") {
        const { off, expectedOff, frameLength, limit } = error.details;
        assert.equal(limit, 320);
        assert.ok(off! > 0 && expectedOff! > off! && frameLength! <= limit, JSON.stringify(error.details));
        for (const fact of [off, expectedOff, frameLength, limit]) assert.ok(error.message.includes(String(fact)));
      }
      bench.device.faults.clear();
      await bench.upload(SMALL_FILE);
      bench.assertSlot(1, SMALL_FILE);
    }
    assert.deepEqual([...codes.keys()], ["checking", "erasing", "uploading", "verifying"]);
  });

  it("field case 3: names frame, limit and offsets, first chunk accepted, second never answered", async () => {
    const bench = newBench({ linkBytes: 244, profile: "zephyr-3.2", bufSize: 384 });
    const unanswered: Fault = only(image.upload, fromNth(2, loseRequest));
    bench.device.faults.add(unanswered);
    const error = await rejectsWith("SMP_TIMEOUT", () => bench.upload(B));
    // The first frame holds 176 bytes, as len fits 16 bits here 178, cut to whole words; then 222 - 2 of the 244 bytes.
    assert.equal(error.details.off, 176);
    assert.equal(error.details.expectedOff, 396);
    assert.equal(error.details.frameLength, 242);
    assert.equal(error.details.limit, 244);
    assert.match(
      error.message,
      /stopped at 176 of 62774 bytes.*frames of 242 to \d+ bytes.*carry 244.*expected off 396.*off 176/,
    );
  });

  it("makes the frames smaller when the device says that they are too large", async () => {
    const bench = newBench();
    bench.device.faults.add((exchange) => {
      if (exchange.packet.length > 500) exchange.refuse({ rc: 9 });
    });
    await bench.upload(LARGER);
    bench.assertSlot(1, LARGER);
  });

  it("makes the chunks smaller for servers that take 512 bytes at most", async () => {
    const bench = newBench({ profile: "zephyr-3.2", bufSize: 2048 });
    bench.device.faults.add(
      only(image.upload, (exchange) => {
        if ((exchange.body["data"] as Uint8Array).length > 512) exchange.refuse({ rc: 3 });
      }),
    );
    await bench.upload(LARGER);
    bench.assertSlot(1, LARGER);
  });

  it("makes the frames smaller when large ones vanish", async () => {
    const bench = newBench();
    bench.device.faults.add((exchange) => {
      if (exchange.packet.length > 300) exchange.lose();
    });
    await bench.upload(LARGER);
    bench.assertSlot(1, LARGER);
  });

  it("does not blame the size when a frame arrives incomplete now and then", async () => {
    const bench = newBench(SMALL);
    let count = 0;
    const refuse = (exchange: Exchange): void => {
      if (++count % 4 === 0) exchange.refuse({ rc: 9 });
    };
    bench.device.faults.add(only(image.upload, refuse));
    await bench.upload(SMALL_FILE);
    bench.assertSlot(1, SMALL_FILE);
    const small = bench.sent.filter(({ command, frameBytes }) => command === "image.upload" && frameBytes < 250);
    // Only the last chunk.
    assert.equal(new Set(small.map(({ body }) => body["off"])).size, 1);
  });

  it("does not give up when one frame of the smallest size arrives incomplete", async () => {
    const bench = newBench();
    bench.device.faults.add(only(image.upload, nth(1, loseRequest)));
    bench.device.faults.add(only(image.upload, nth(2, refuseWith({ rc: 9 }))));
    const small = buildImage({ version: "1.1.0" });
    await bench.upload(small);
    bench.assertSlot(1, small);
  });

  it("says so when not even the smallest frame is small enough", async () => {
    const bench = newBench();
    bench.device.faults.add(only(image.upload, refuseWith({ rc: 9 })));
    const error = await rejectsWith("SMP_FRAME_TOO_LARGE", () => bench.upload(B));
    assert.match(error.message, /not even a frame of 98 bytes/);
  });

  it("says what a link would have to carry", async () => {
    const bench = newBench({ linkBytes: 61 });
    const error = await rejectsWith("SMP_FRAME_TOO_LARGE", () => bench.upload(B));
    assert.match(error.message, /needs a frame of 98 bytes/);
    assert.equal(error.details.limit, 61);
  });

  it("waits when the device is busy, and goes on", async () => {
    const bench = newBench(SMALL);
    bench.device.faults.add(only(image.upload, nth(3, refuseWith({ rc: 10 }))));
    bench.device.faults.add(only(image.upload, nth(5, refuseWith({ rc: 2 }))));
    await bench.upload(SMALL_FILE);
    bench.assertSlot(1, SMALL_FILE);
  });

  it("passes a refusal on, with the offset at which it came", async () => {
    const bench = newBench(SMALL);
    bench.device.faults.add(only(image.upload, nth(3, refuseWith({ group: 64, rc: 256 }))));
    const error = await rejectsWith("SMP_DEVICE", () => bench.upload(SMALL_FILE, { window: 1 }));
    assert.equal(error.details.group, 64);
    assert.equal(error.details.rc, 256);
    assert.ok(error.details.off! > 252);
    assert.match(error.message, new RegExp(`stopped at ${error.details.off}: image.upload was refused`));
  });

  it("stops when another client takes the upload over", async () => {
    for (const window of [1, 3]) {
      const bench = newBench(SMALL);
      bench.device.faults.add(only(image.upload, nth(4, takeOverUpload({ lenBytes: 9_999, chunkBytes: 250 }))));
      const error = await rejectsWith("SMP_UPLOAD_OFFSET", () => bench.upload(SMALL_FILE, { window }));
      assert.equal(error.details.off, 250);
      assert.ok(error.details.expectedOff! > 250);
      assert.ok(error.details.frameLength! <= 320);
      assert.match(error.message, /answered with off 250, expected \d+/);
      assert.match(error.hint, /no other client/);
    }
  });

  it("does not fight for ever with a client that starts over again and again", async () => {
    const bench = newBench(SMALL);
    bench.device.faults.add(
      only(image.upload, (exchange) => {
        // What the other client erases is this one's upload.
        if (Number(exchange.body["off"]) > 500) exchange.changeAnswer((frame) => [withOffset(frame, 0)]);
      }),
    );
    const error = await rejectsWith("SMP_UPLOAD_FAILED", () => bench.upload(SMALL_FILE, { window: 1 }));
    assert.match(error.hint, /another client/);
  });

  it("ends when the device takes the first chunk and stays at the start", async () => {
    const bench = newBench(SMALL);
    bench.device.faults.add(only(image.upload, (exchange) => exchange.changeAnswer((frame) => [withOffset(frame, 0)])));
    const error = await rejectsWith("SMP_UPLOAD_FAILED", () => bench.upload(SMALL_FILE));
    assert.match(error.message, /stopped at 0 of \d+ bytes.*expected off 252, received off 0/);
    assert.ok(bench.requests("image.upload").every((body) => body["len"] === SMALL_FILE.length));
  });

  it("does not believe an offset beyond the file", async () => {
    const bench = newBench(SMALL);
    bench.device.faults.add(
      only(image.upload, (exchange) => exchange.changeAnswer((frame) => [withOffset(frame, 60_000)])),
    );
    const error = await rejectsWith("SMP_UPLOAD_OFFSET", () => bench.upload(SMALL_FILE));
    assert.equal(error.details.off, 60_000);
  });

  it("sends all of it once more when the device finds that its flash does not hold what was sent", async () => {
    const bench = newBench(SMALL);
    const spoil = (): void => bench.device.store.slot(0, 1).write(1_900, Buffer.alloc(4));
    bench.device.faults.add(only(image.upload, nth(4, spoil)));
    assert.equal((await bench.upload(SMALL_FILE)).outcome, "uploaded");
    bench.assertSlot(1, SMALL_FILE);
    assert.equal(bench.firstChunks, 2);
  });

  it("says that the flash does not hold what was sent when that happens again", async () => {
    const bench = newBench(SMALL);
    const spoil = (): void => bench.device.store.slot(0, 1).write(1_900, Buffer.alloc(4));
    bench.device.faults.add(only(image.upload, spoil));
    const error = await rejectsWith("SMP_UPLOAD_FAILED", () => bench.upload(SMALL_FILE));
    assert.match(error.message, /match: false/);
    assert.equal(bench.firstChunks, 2);
  });

  it("starts over when what it took up again turns out to be damaged", async () => {
    const bench = newBench({ ...SMALL, imageCheck: false });
    const stop = bench.device.faults.add(only(image.upload, fromNth(4, loseRequest)));
    await rejectsWith("SMP_TIMEOUT", () => bench.upload(SMALL_FILE));
    stop();
    bench.device.store.slot(0, 1).write(0, Buffer.alloc(4));
    assert.equal((await bench.upload(SMALL_FILE)).outcome, "uploaded");
    bench.assertSlot(1, SMALL_FILE);
  });

  it("does not take the device's word that all arrived: the image must be in the state list", async () => {
    const bench = newBench({ ...SMALL, imageCheck: false });
    const spoil = (): void => bench.device.store.slot(0, 1).write(0, Buffer.alloc(4));
    bench.device.faults.add(only(image.upload, nth(4, spoil)));
    const error = await rejectsWith("SMP_UPLOAD_FAILED", () => bench.upload(SMALL_FILE));
    assert.match(error.message, /is complete, but the device lists no image/);
    assert.equal(error.details.phase, "verifying");
  });

  it("reports what the device's own check of the size says, where nothing told before", async () => {
    const bench = newBench({ slotInfo: false, slotBytes: 128 * 1024 });
    const error = await rejectsWith("SMP_IMAGE_TOO_LARGE", () =>
      bench.upload(buildImage({ version: "9.0.0", payloadBytes: 130_000 })),
    );
    assert.equal(error.details.rc, 30);
  });

  it("stops when the file cannot be read any more", async () => {
    const bench = newBench(SMALL);
    const source = await openFirmware(SMALL_FILE);
    const info = await inspectFirmware(source);
    await source.close();
    await rejectsWith("SMP_FIRMWARE_SOURCE", () => bench.run((device) => uploadFirmware(device, source, info)));
  });

  it("leaves the running image alone in all of this", async () => {
    const bench = newBench(SMALL);
    bench.device.faults.add(fromNth(6, loseRequest));
    await rejectsWith("SMP_TIMEOUT", () => bench.upload(SMALL_FILE));
    bench.assertSlot(0, SMALL.slot0!);
    assert.equal(bench.device.version, "1.0.0");
  });
});

function withOffset(frame: Uint8Array, off: number): Uint8Array {
  return encodeMessage({ ...decodeMessage(frame), body: { off } });
}
