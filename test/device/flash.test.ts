import assert from "node:assert/strict";
import { NorFlash, slotView } from "../../src/device/flash";

const PAGE = 256;

describe("the virtual device's flash", () => {
  it("reads 0xFF where nothing was written", () => {
    const flash = new NorFlash(4 * PAGE, PAGE);
    assert.deepEqual([...flash.read(1000, 4)], [0xff, 0xff, 0xff, 0xff]);
    assert.equal(flash.isBlank(), true);
  });

  it("can only clear bits by writing", () => {
    const flash = new NorFlash(PAGE, PAGE);
    flash.write(10, Uint8Array.of(0b1100_1100));
    flash.write(10, Uint8Array.of(0b1010_1010));
    assert.deepEqual([...flash.read(9, 3)], [0xff, 0b1000_1000, 0xff]);
  });

  it("erases one page and leaves its neighbours", () => {
    const flash = new NorFlash(3 * PAGE, PAGE);
    flash.write(0, new Uint8Array(3 * PAGE));
    assert.equal(flash.erasePage(1), true);
    assert.equal(flash.erasePage(1), false);
    assert.deepEqual(
      [flash.isBlank(0, PAGE), flash.isBlank(PAGE, PAGE), flash.isBlank(2 * PAGE)],
      [false, true, false],
    );
  });

  it("is not changed through what was read from it", () => {
    const flash = new NorFlash(PAGE, PAGE);
    flash.read(0, 4).fill(0);
    assert.equal(flash.isBlank(), true);
  });

  it("names the place of an access outside of it", () => {
    const flash = new NorFlash(4 * PAGE, PAGE);
    for (const access of [
      () => flash.read(4 * PAGE - 1, 2),
      () => flash.write(4 * PAGE, Uint8Array.of(0)),
      () => flash.read(-1, 1),
      () => flash.erasePage(4),
    ]) {
      assert.throws(access, { code: "SMP_INTERNAL", message: /outside of its 1024 bytes/ });
    }
  });
});

describe("a slot of the virtual device", () => {
  it("erases every page that holds a byte of the range and counts those that were used", () => {
    const flash = new NorFlash(4 * PAGE, PAGE);
    const slot = slotView(flash, { image: 0, slot: 1, startBytes: 0 });
    slot.write(0, new Uint8Array(2 * PAGE));
    assert.equal(slot.erase(PAGE - 1, PAGE + 2), 2);
    assert.equal(slot.isBlank(), true);
  });

  it("hides the first page where the bootloader wants it free, and erases it with the start of an upload", () => {
    const flash = new NorFlash(4 * PAGE, PAGE);
    flash.write(0, Uint8Array.of(1));
    const slot = slotView(flash, { image: 0, slot: 1, startBytes: PAGE });
    assert.equal(slot.sizeBytes, 3 * PAGE);
    assert.equal(slot.isBlank(), false);
    slot.write(0, Uint8Array.of(7));
    assert.deepEqual([...flash.read(PAGE, 1)], [7]);
    assert.equal(slot.erase(0, 1), 2);
    assert.equal(slot.isBlank(), true);
  });
});
