import assert from "node:assert/strict";
import type { DeviceImages } from "../../src/device/images";
import { buildImage } from "../build-image";
import { B, install, shown, smallDevice, upload } from "./small-device";

const OLD_BOOTS = ["0: 1.0.0 active confirmed"];

describe("the bootloader that runs images in place", () => {
  it("runs the highest version, in whichever slot it is", () => {
    const device = smallDevice({ mode: "direct-xip" });
    upload(device, B);
    assert.deepEqual(shown(device), ["0: 1.0.0 active confirmed", "1: 2.0.0 pending permanent"]);
    assert.deepEqual(device.boot().actions, ["selected"]);
    assert.deepEqual(shown(device), ["0: 1.0.0", "1: 2.0.0 active confirmed"]);
    upload(device, buildImage({ version: "2.0.1" }));
    device.boot();
    assert.deepEqual(shown(device), ["0: 2.0.1 active confirmed", "1: 2.0.0"]);
  });

  it("stays in slot 0 when both are the same version", () => {
    const device = smallDevice({ mode: "direct-xip" });
    upload(device, buildImage({ version: "1.0.0+5", payloadBytes: 20 }));
    device.boot();
    assert.equal(device.activeSlot(0), 0);
  });

  it("erases an invalid image and runs the other", () => {
    const device = smallDevice({ mode: "direct-xip" });
    upload(device, buildImage({ version: "3.0.0", corrupt: true }));
    assert.equal(device.boot().running, true);
    assert.deepEqual(shown(device), OLD_BOOTS);
    assert.equal(device.slot(0, 1).isBlank(), true);
  });

  it("with revert gives a marked image one boot, and erases it if that does not confirm it", () => {
    const device = smallDevice({ mode: "direct-xip-revert" });
    install(device, B, false);
    assert.deepEqual(shown(device), ["0: 1.0.0 confirmed", "1: 2.0.0 active"]);
    device.boot();
    assert.deepEqual(shown(device), OLD_BOOTS);
    assert.equal(device.slot(0, 1).isBlank(), true);
  });

  it("with revert keeps an image that was confirmed, during its trial or before it", () => {
    const during = smallDevice({ mode: "direct-xip-revert" });
    install(during, B, false);
    during.setState(undefined, true);
    const before = smallDevice({ mode: "direct-xip-revert" });
    install(before, B, true);
    for (const device of [during, before]) {
      device.boot();
      assert.deepEqual(shown(device), ["0: 1.0.0", "1: 2.0.0 active confirmed"]);
    }
  });

  it("with revert erases a newer image that nobody marked", () => {
    const device = smallDevice({ mode: "direct-xip-revert" });
    upload(device, B);
    device.boot();
    assert.deepEqual(shown(device), OLD_BOOTS);
  });

  it("with revert finishes over a power failure what it began", () => {
    const make = (): DeviceImages => {
      const device = smallDevice({ mode: "direct-xip-revert" });
      install(device, B, false);
      return device;
    };
    for (let cut = 0; cut < make().boot().steps; cut++) {
      const device = make();
      assert.equal(device.boot({ cutAfterSteps: cut }).completed, false);
      assert.equal(device.boot().running, true);
      assert.deepEqual(shown(device), OLD_BOOTS);
    }
  });
});
