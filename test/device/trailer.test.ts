import assert from "node:assert/strict";
import { DIRECT, NorFlash } from "../../src/device/flash";
import { readProgress, readTrailer, trailerBytes, TrailerWriter } from "../../src/device/trailer";

const PAGE = 2048;

function blank(): { flash: NorFlash; trailer: TrailerWriter } {
  const flash = new NorFlash(8 * PAGE, PAGE);
  return { flash, trailer: new TrailerWriter(DIRECT, flash) };
}

describe("MCUboot's trailer", () => {
  it("is, byte for byte, the worked example of a permanently confirmed slot", () => {
    const { flash, trailer } = blank();
    trailer.magic();
    trailer.imageOk();
    trailer.swapInfo("permanent", 0);
    const expected = "03ffffffffffffff ffffffffffffffff 01ffffffffffffff 77c295f360d2ef7f3552500f2cb67980";
    assert.equal(Buffer.from(flash.read(flash.sizeBytes - 40, 40)).toString("hex"), expected.replaceAll(" ", ""));
    assert.equal(flash.isBlank(0, flash.sizeBytes - 40), true);
  });

  it("is unset in blank flash", () => {
    const { flash } = blank();
    assert.deepEqual(readTrailer(flash), {
      magic: "unset",
      imageOk: "unset",
      copyDone: "unset",
      swapType: "none",
      swapSizeBytes: undefined,
    });
    assert.equal(readProgress(flash), 0);
  });

  it("gives back what was written", () => {
    const { flash, trailer } = blank();
    trailer.magic();
    trailer.copyDone();
    trailer.swapInfo("revert", 1);
    trailer.swapSize(123_456);
    assert.deepEqual(readTrailer(flash), {
      magic: "good",
      imageOk: "unset",
      copyDone: "set",
      swapType: "revert",
      swapSizeBytes: 123_456,
    });
  });

  it("is bad when the magic or a flag holds anything else", () => {
    const { flash } = blank();
    flash.write(flash.sizeBytes - 1, Uint8Array.of(0));
    flash.write(flash.sizeBytes - 24, Uint8Array.of(3));
    const { magic, imageOk, copyDone } = readTrailer(flash);
    assert.deepEqual({ magic, imageOk, copyDone }, { magic: "bad", imageOk: "bad", copyDone: "unset" });
  });

  it("takes a swap type that does not exist for none", () => {
    const { flash } = blank();
    flash.write(flash.sizeBytes - 40, Uint8Array.of(0x0e));
    assert.equal(readTrailer(flash).swapType, "none");
  });

  it("has room for the progress of a swap of every page, and touches no byte below itself", () => {
    const { flash, trailer } = blank();
    for (let step = 0; step < 3 * 8; step++) {
      assert.equal(readProgress(flash), step);
      trailer.progress(step);
    }
    assert.equal(readProgress(flash), 24);
    assert.equal(flash.isBlank(0, flash.sizeBytes - trailerBytes(flash)), true);
    assert.equal(readTrailer(flash).swapSizeBytes, undefined);
  });

  it("is erased with its pages, and no others", () => {
    const { flash, trailer } = blank();
    flash.write(0, new Uint8Array(flash.sizeBytes));
    trailer.erase();
    assert.equal(flash.isBlank(7 * PAGE), true);
    assert.equal(flash.read(7 * PAGE - 1, 1)[0], 0);
  });
});
