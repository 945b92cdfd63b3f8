import assert from "node:assert/strict";
import type { BootMode } from "../../src/device/image-options";
import { DeviceImages } from "../../src/device/images";
import { buildImage } from "../build-image";
import { A, B, contents, inSituation, install, padded, shown, SMALL, smallDevice, upload } from "./small-device";

describe("a slot in use", () => {
  const usedSlots = (device: DeviceImages): boolean[] => [0, 1].map((slot) => device.inUse(0, slot));

  it("is the one that runs, the fallback of a trial, and a pending one", () => {
    assert.deepEqual(usedSlots(inSituation("none")), [true, false]);
    assert.deepEqual(usedSlots(inSituation("test")), [true, true]);
    assert.deepEqual(usedSlots(inSituation("permanent")), [true, true]);
    assert.deepEqual(usedSlots(inSituation("revert")), [true, true]);
  });

  it("is not a pending one where the product allows to erase it, but still the fallback", () => {
    const allowErasePending = true;
    assert.deepEqual(usedSlots(inSituation("test", { allowErasePending })), [true, false]);
    assert.deepEqual(usedSlots(inSituation("permanent", { allowErasePending })), [true, false]);
    assert.deepEqual(usedSlots(inSituation("revert", { allowErasePending })), [true, true]);
  });

  it("is in direct-XIP the one that runs, and with revert the fallback too", () => {
    const plain = smallDevice({ mode: "direct-xip" });
    upload(plain, B);
    assert.deepEqual(usedSlots(plain), [true, false]);
    plain.boot();
    assert.deepEqual(usedSlots(plain), [false, true]);
    const revert = smallDevice({ mode: "direct-xip-revert" });
    install(revert, B, false);
    assert.deepEqual(usedSlots(revert), [true, true]);
  });
});

describe("a virtual device's images", () => {
  it("are listed image by image, lower slot first", () => {
    const [c, d] = [buildImage({ version: "3.0.0" }), buildImage({ version: "4.0.0+5" })];
    const device = smallDevice({ imageCount: 2, contents: contents([1, 1, d], [1, 0, c], [0, 1, B], [0, 0, A]) });
    assert.deepEqual(shown(device), [
      "0.0: 1.0.0 active confirmed",
      "0.1: 2.0.0",
      "1.0: 3.0.0 active confirmed",
      "1.1: 4.0.0.5",
    ]);
  });

  it("are valid when the bootloader would run them", () => {
    const device = smallDevice({ acceptsImage: ({ version }) => version.major < 3 });
    const validAfter = (file: Uint8Array): boolean => {
      upload(device, file);
      return device.isValid(0, 1);
    };
    assert.equal(device.isValid(0, 0), true);
    assert.equal(device.isValid(0, 1), false);
    assert.equal(validAfter(B), true);
    assert.equal(validAfter(buildImage({ version: "2.0.0", corrupt: true })), false);
    assert.equal(validAfter(buildImage({ version: "3.0.0" })), false);
  });

  it("may be as large as the slot less what the bootloader needs", () => {
    const largest = (mode: BootMode): number => new DeviceImages({ mode, slotBytes: 0x69000 }).maxImageBytes;
    assert.equal(largest("swap-move"), 0x67000);
    assert.equal(largest("swap-offset"), 0x67000);
    assert.equal(largest("swap-scratch"), 0x68000);
    assert.equal(largest("overwrite"), 0x69000 - 40);
    assert.equal(largest("direct-xip"), 0x69000 - 40);
  });

  it("are installed at power on when they were programmed as pending", () => {
    const device = smallDevice({ contents: contents([0, 0, A], [0, 1, padded(B, SMALL.slotBytes, true)]) });
    assert.deepEqual(shown(device), ["0: 2.0.0 active confirmed", "1: 1.0.0"]);
  });

  it("are refused when they do not fit, and so are slots that no flash has", () => {
    assert.throws(() => smallDevice({ contents: contents([0, 0, Buffer.alloc(SMALL.slotBytes + 1)]) }), {
      code: "SMP_IMAGE_TOO_LARGE",
      message: /16385 bytes, the slot only 16384/,
    });
    const hidden = contents([0, 1, Buffer.alloc(SMALL.slotBytes)]);
    assert.throws(() => smallDevice({ mode: "swap-offset", contents: hidden }), { code: "SMP_IMAGE_TOO_LARGE" });
    for (const slotBytes of [0, 1000, 2 * SMALL.pageBytes]) {
      assert.throws(() => smallDevice({ slotBytes, contents: [] }), { code: "SMP_BAD_SETTING" }, `${slotBytes}`);
    }
    assert.throws(() => smallDevice({ contents: contents([1, 0, A]) }), { code: "SMP_BAD_SETTING" });
  });
});
