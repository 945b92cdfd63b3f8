import assert from "node:assert/strict";
import { hashOf } from "../build-image";
import { A, B, install, inSituation, shown, smallDevice, upload } from "./small-device";

describe("the lifecycle of an update", () => {
  for (const mode of ["swap-move", "swap-scratch", "swap-offset"] as const) {
    it(`shows the flags of a trial that is confirmed with ${mode}`, () => {
      const device = smallDevice({ mode });
      assert.deepEqual(shown(device), ["0: 1.0.0 active confirmed"]);
      device.slot(0, 1).write(0, B.subarray(0, B.length - 40));
      assert.deepEqual(shown(device), ["0: 1.0.0 active confirmed"]);
      upload(device, B);
      assert.deepEqual(shown(device), ["0: 1.0.0 active confirmed", "1: 2.0.0"]);
      device.setState(hashOf(B), false);
      assert.deepEqual(shown(device), ["0: 1.0.0 active confirmed", "1: 2.0.0 pending"]);
      device.boot();
      assert.deepEqual(shown(device), ["0: 2.0.0 active", "1: 1.0.0 confirmed"]);
      device.setState(hashOf(B), true);
      assert.equal(shown(device)[0], "0: 2.0.0 active confirmed");
      device.boot();
      assert.equal(shown(device)[0], "0: 2.0.0 active confirmed");
    });

    it(`shows the flags of an image that is made permanent with ${mode}`, () => {
      const device = inSituation("permanent", { mode });
      assert.deepEqual(shown(device), ["0: 1.0.0 active confirmed", "1: 2.0.0 pending permanent"]);
      device.boot();
      assert.equal(shown(device)[0], "0: 2.0.0 active confirmed");
    });
  }

  it("keeps the old image in slot 1, without flags, when the swap had to move it there whole", () => {
    for (const mode of ["swap-move", "swap-scratch"] as const) {
      const device = smallDevice({ mode });
      install(device, B, false);
      device.setState(undefined, true);
      assert.deepEqual(shown(device), ["0: 2.0.0 active confirmed", "1: 1.0.0"]);
    }
  });

  it("hides the old image of swap-offset once the new one is confirmed: it begins where no upload does", () => {
    const device = smallDevice({ mode: "swap-offset" });
    install(device, B, false);
    device.setState(undefined, true);
    assert.deepEqual(shown(device), ["0: 2.0.0 active confirmed"]);
    assert.deepEqual(install(device, A, true).actions, ["swapped"]);
    assert.equal(shown(device)[0], "0: 1.0.0 active confirmed");
  });
});
