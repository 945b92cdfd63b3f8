import assert from "node:assert/strict";
import { confirmImage } from "../../src/update/confirm-image";
import { resetDevice } from "../../src/update/reset-device";
import { testImage } from "../../src/update/test-image";
import { flags } from "../update/lifecycle";
import { buildImage, hashOf } from "../build-image";
import { NEW, SerialBench, type SerialBenchOptions } from "./bench";

describe("updates over a serial line", () => {
  let bench: SerialBench;
  const start = async (options: SerialBenchOptions = {}): Promise<SerialBench> =>
    (bench = await SerialBench.start(options));
  afterEach(() => bench.close());

  async function updateWhole(): Promise<void> {
    const { firmware } = await bench.upload(NEW);
    await bench.use((device) => testImage(device, { hash: firmware.hash }));
    const { verdict } = await bench.use((device) => resetDevice(device, { wanted: firmware }));
    assert.equal(verdict, "testing");
    const after = await bench.use((device) => confirmImage(device, { hash: firmware.hash }));
    assert.deepEqual(flags(after), ["0 1.1.0 active confirmed", "1 1.0.0"]);
  }

  for (const framing of ["console", "raw"] as const) {
    it(`goes from upload to confirmation, ${framing} framing`, async () => {
      await start({ framing });
      await updateWhole();
    }).timeout(20_000);
  }

  it("passes over a log that the device prints between the lines", async () => {
    let count = 0;
    const mix = (line: Uint8Array): Uint8Array =>
      Buffer.concat([Buffer.from(`[00:00:${count++}] \x1b[32m<inf>\x1b[0m app: at work\r\nuart:~$ `), line]);
    await start({ mix });
    const { retries } = await bench.upload(NEW);
    assert.equal(retries, 0);
    assert.ok(count > 10);
  });

  it("sends no frame that with length and CRC exceeds the device's buffer", async () => {
    for (const bufSize of [256, 384, 1024]) {
      await start({ device: { bufSize } });
      const { retries } = await bench.upload(NEW);
      assert.equal(retries, 0, `${bufSize}`);
      const session = await bench.use((device) => device.session());
      assert.equal(session.maxFrameBytes, bufSize - 4);
      await bench.close();
    }
    await start();
  });

  it("assumes the usual buffer of a device that does not tell", async () => {
    await start({ device: { parameters: false, bufSize: 384 } });
    assert.equal((await bench.upload(NEW)).retries, 0);
  });

  it("gets through to a device with two line buffers, which loses lines that come at once", async () => {
    await start({ lineBuffers: 2, device: { bufSize: 1024 }, transport: {} });
    const { retries } = await bench.upload(NEW);
    assert.ok(retries <= 2, `${retries} retries`);
    const [line] = bench.lines;
    assert.ok(line!.droppedLines > 0, "one frame was tried without pauses");
    const { retries: later } = await bench.upload(buildImage({ version: "1.2.0", payloadBytes: 30_000 }));
    assert.equal(later, 0, "what was learnt of the device is kept");
  }).timeout(15_000);

  it("goes on where it stopped when the cable was pulled", async () => {
    await start();
    let isPulled = false;
    const result = await bench.upload(NEW, {
      onProgress: ({ phase, offBytes }) => {
        if (isPulled || phase !== "uploading" || offBytes < 10_000) return;
        isPulled = true;
        bench.unplug();
      },
    });
    assert.ok(isPulled);
    assert.equal(result.outcome, "uploaded");
    assert.ok(result.sentBytes < NEW.length + 6_000, `${result.sentBytes} bytes sent`);
    assert.equal(result.images.find((slot) => slot.slot === 1)?.hash, hashOf(NEW).toString("hex"));
  }).timeout(10_000);
});
