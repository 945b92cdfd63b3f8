import assert from "node:assert/strict";
import { install } from "@sinonjs/fake-timers";
import { VirtualDevice } from "../../src/device/device";
import type { VirtualDeviceOptions } from "../../src/device/options";
import { PACES } from "../../src/device/pace";
import { image, os } from "../../src/smp/commands";
import { buildImage, hashOf } from "../build-image";
import { inProcess, requestFrame } from "./bench";

const OLD = buildImage({ version: "1.0.0" });
const NEW = buildImage({ version: "2.0.0", payloadBytes: 10_000 });

describe("pace of the virtual device", () => {
  let clock: ReturnType<typeof install>;
  let device: VirtualDevice;
  let wire: ReturnType<typeof inProcess>;

  beforeEach(() => {
    clock = install({ toFake: ["setTimeout", "clearTimeout", "setImmediate", "clearImmediate", "performance"] });
  });
  afterEach(() => {
    device.close();
    const left = clock.countTimers();
    clock.uninstall();
    assert.equal(left, 0, "a closed device leaves no timer behind");
  });

  function start(options: Partial<VirtualDeviceOptions> = {}): void {
    device = new VirtualDevice({ name: "device", slot0: OLD, ...options });
    wire = inProcess(device);
  }

  /** Milliseconds of the device's time until the answer. */
  function answerMs(packet: Uint8Array): number {
    const sentMs = clock.now;
    wire.send(packet);
    while (wire.unread === 0) clock.next();
    void wire.receive();
    return Math.round(clock.now - sentMs);
  }

  const firstChunk = (): Uint8Array =>
    requestFrame(image.upload, { off: 0, len: NEW.length, data: NEW.subarray(0, 100) });

  it("is instant unless told otherwise", () => {
    start();
    assert.equal(answerMs(firstChunk()), 0);
  });

  it("gives each request its time, and the link its bytes per second", () => {
    start({ pace: { requestMs: 30 } });
    assert.equal(answerMs(requestFrame(os.echo, { d: "x" })), 30);
    start({ pace: { linkBytesPerSecond: 1000 } });
    const echo = requestFrame(os.echo, { d: "x".repeat(100) });
    assert.equal(answerMs(echo), 2 * echo.length + 1, "there and back; the answer's map has an end byte");
  });

  it("holds the first answer back while the slot is erased, and nothing when it is blank", () => {
    start({ pace: { erasePageMs: 85 }, slot1: buildImage({ version: "3.0.0" }) });
    // Three pages for the file and one for the trailer.
    assert.equal(answerMs(firstChunk()), 4 * 85);
    start({ pace: { erasePageMs: 85 } });
    assert.equal(answerMs(firstChunk()), 0);
  });

  it("blocks everything else while it erases", () => {
    start({ pace: { erasePageMs: 85 }, slot1: buildImage({ version: "3.0.0" }) });
    const pages = device.store.slot(0, 1).sizeBytes / 4096;
    wire.send(requestFrame(image.erase, {}));
    wire.send(requestFrame(os.echo, { d: "x" }));
    clock.tick(pages * 85 - 1);
    assert.equal(wire.unread, 0);
    clock.tick(1);
    clock.next();
    assert.equal(wire.unread, 2);
  });

  it("takes time to boot for what MCUboot erases and writes", () => {
    start({ pace: { bootMs: 1000, erasePageMs: 10 }, slot1: NEW });
    const bootMs = (): number => {
      device.reboot();
      const downMs = clock.now;
      while (device.state === "booting") clock.next();
      return Math.round(clock.now - downMs);
    };
    assert.equal(bootMs(), 1000);
    device.store.setState(hashOf(NEW), false);
    assert.ok(bootMs() > 1000 + 2 * 3 * 10, "a swap erases the pages of both images");
    assert.equal(device.version, "2.0.0");
  });

  it("lets a trial run for a while before it confirms itself or crashes", () => {
    for (const [trial, version] of [
      ["self-confirming", "2.0.0"],
      ["crashing", "1.0.0"],
    ] as const) {
      start({ pace: { trialMs: 5000 }, trial, slot1: NEW });
      device.store.setState(hashOf(NEW), false);
      device.reboot();
      clock.tick(4999);
      assert.deepEqual([device.version, device.store.swapType(0)], ["2.0.0", "revert"]);
      clock.tick(1);
      clock.tick(1);
      assert.deepEqual([device.version, device.store.swapType(0)], [version, "none"]);
    }
  });

  it("has names for the usual ones", () => {
    for (const pace of ["instant", "brisk", "real"] as const) {
      start({ pace });
      assert.deepEqual(device.pace, PACES[pace]);
    }
  });
});
