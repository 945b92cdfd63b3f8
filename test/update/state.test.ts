import assert from "node:assert/strict";
import { activeSlot, describeState, isUpToDate, toImageState, trialRunning } from "../../src/update/state";
import { state, wanted } from "./states";

describe("image state", () => {
  it("has every flag, imgtool's versions, hashes in hex, lower image and slot first", () => {
    const list = toImageState({
      images: [
        { image: 1, slot: 1, version: "2.0.0.77", hash: Buffer.from("ab01", "hex") },
        { slot: 1, version: "<???>", pending: true },
        { slot: 0, version: "1.10.0.0", hash: Buffer.from("cd", "hex"), active: true, confirmed: true, bootable: true },
      ],
      splitStatus: 0,
    });
    const none = { bootable: false, pending: false, confirmed: false, active: false, permanent: false };
    assert.deepEqual(list, [
      { ...none, image: 0, slot: 0, version: "1.10.0", hash: "cd", active: true, confirmed: true, bootable: true },
      { ...none, image: 0, slot: 1, version: "<???>", hash: "", pending: true },
      { ...none, image: 1, slot: 1, version: "2.0.0+77", hash: "ab01" },
    ]);
  });

  it("is up to date only when the wanted image is active and confirmed", () => {
    assert.equal(isUpToDate(state("0 2.0.0 active confirmed"), wanted("2.0.0")), true);
    assert.equal(isUpToDate(state("0 2.0.0 active", "1 1.0.0 confirmed"), wanted("2.0.0")), false);
    assert.equal(isUpToDate(state("0 1.0.0 active confirmed", "1 2.0.0"), wanted("2.0.0")), false);
    assert.equal(isUpToDate(state("0 1.0.0 active confirmed", "1/0 2.0.0 active confirmed"), wanted("2.0.0")), false);
    assert.equal(isUpToDate([], wanted("2.0.0")), false);
  });

  it("finds what runs of a second image on servers that do not mark it, but nothing in recovery", () => {
    const list = state("0 1.0.0 active confirmed", "1/0 5.0.0 confirmed", "1/1 6.0.0");
    assert.equal(activeSlot(list, 1)?.version, "5.0.0");
    const recovery = state("0 1.0.0", "1/0 5.0.0");
    assert.deepEqual([activeSlot(recovery, 0), activeSlot(recovery, 1)], [undefined, undefined]);
  });

  it("shows a trial only where there is something to fall back to", () => {
    assert.equal(trialRunning(state("0 2.0.0 active", "1 1.0.0 confirmed"), 0)?.fallback.version, "1.0.0");
    assert.equal(trialRunning(state("0 2.0.0 active"), 0), undefined);
    // Servers that mark only image 0 as active.
    const ofImage1 = state("0 1.0.0 active confirmed", "1/0 2.0.0", "1/1 1.0.0 confirmed");
    assert.equal(trialRunning(ofImage1, 1)?.fallback.version, "1.0.0");
    assert.equal(trialRunning(state("0 2.0.0 active confirmed", "1 1.0.0"), 0), undefined);
  });

  it("is one line for people", () => {
    assert.match(
      describeState(state("0 1.0.0 active confirmed", "1/1 2.0.0 pending hashless")),
      /^slot 0: 1\.0\.0 [0-9a-f]{8}… active confirmed; image 1 slot 1: 2\.0\.0 \(no hash\) pending$/,
    );
    assert.equal(describeState([]), "no images");
  });
});
