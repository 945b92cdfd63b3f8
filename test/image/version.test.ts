import assert from "node:assert/strict";
import { compareVersions, formatVersion, parseVersion } from "../../src/image/version";
import { assertFails } from "./bad";

describe("version", () => {
  it("reads the forms of the image state list and of imgtool", () => {
    assert.deepEqual(parseVersion("1.2.3"), { major: 1, minor: 2, revision: 3, build: 0 });
    assert.deepEqual(parseVersion("1.2.3.4"), { major: 1, minor: 2, revision: 3, build: 4 });
    assert.deepEqual(parseVersion("255.255.65535+4294967295"), {
      major: 255,
      minor: 255,
      revision: 65535,
      build: 4294967295,
    });
  });

  it("writes imgtool's form, without a build number of 0", () => {
    assert.equal(formatVersion(parseVersion("1.2.3.4")), "1.2.3+4");
    assert.equal(formatVersion(parseVersion("1.2.3+0")), "1.2.3");
  });

  it("compares numbers, not text", () => {
    const sorted = ["1.10.0", "1.9.0", "1.9.0+10", "2.0.0", "1.9.0+9", "1.9.11"]
      .map(parseVersion)
      .toSorted(compareVersions)
      .map(formatVersion);
    assert.deepEqual(sorted, ["1.9.0", "1.9.0+9", "1.9.0+10", "1.9.11", "1.10.0", "2.0.0"]);
    assert.equal(compareVersions(parseVersion("1.2.3"), parseVersion("1.2.3.0")), 0);
  });

  for (const text of [
    "",
    "1.2",
    "v1.2.3",
    "1.2.3-rc1",
    "1.2.3.4.5",
    "1.2.-3",
    "1.2.3+",
    " 1.2.3",
    "256.0.0",
    "1.0.65536",
    "1.0.0+4294967296",
  ]) {
    it(`refuses "${text}"`, async () => {
      await assertFails(
        Promise.resolve().then(() => parseVersion(text)),
        "SMP_BAD_INPUT",
        /version/,
        /1\.2\.3\+4/,
      );
    });
  }
});
