import assert from "node:assert/strict";
import { GROUP } from "../../src/smp/command";
import { GROUP_CODES, resultCode, SMP_CODES, translateToV1 } from "../../src/smp/codes";

describe("result codes", () => {
  it("has every code of every Zephyr group, without gaps", () => {
    const last = { [GROUP.OS]: 6, [GROUP.IMAGE]: 34, [GROUP.STAT]: 5, [GROUP.SETTINGS]: 8, [GROUP.FS]: 16 };
    Object.assign(last, { [GROUP.SHELL]: 3, [GROUP.ENUMERATION]: 4, [GROUP.BASIC]: 4 });
    for (const [group, highest] of Object.entries(last)) {
      const expected = Array.from({ length: highest }, (_, index) => index + 1);
      assert.deepEqual(
        GROUP_CODES[Number(group)]?.map((code) => code.rc),
        expected,
        `group ${group}`,
      );
    }
    assert.deepEqual(
      SMP_CODES.map((code) => code.rc),
      Array.from({ length: 14 }, (_, rc) => rc),
    );
  });

  it("translates image codes for v1 clients as Zephyr does", () => {
    const v1 = { 3: 5, 4: 5, 9: 6, 14: 3, 15: 2, 27: 6, 28: 6 } as Record<number, number>;
    for (const rc of [19, 20, 21, 22, 24, 25]) v1[rc] = 3;
    for (let rc = 1; rc <= 34; rc++) assert.equal(translateToV1(GROUP.IMAGE, rc), v1[rc] ?? 1, `rc ${rc}`);
    assert.equal(translateToV1(GROUP.IMAGE, 0), 0);
  });

  it("says of a code it does not know that it does not know it", () => {
    assert.match(resultCode(99, GROUP.IMAGE).meaning, /not known here/);
    assert.match(resultCode(300).meaning, /application defines/);
    assert.match(resultCode(7, 64).meaning, /application defines/);
  });
});
