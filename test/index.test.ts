import assert from "node:assert/strict";
import * as smp from "../src/index";
import { imageBytes, imagePath } from "./images";

describe("the library", () => {
  it("does a whole update in a script, as the nodes do it", async () => {
    const device = new smp.VirtualDevice({ name: "sensor-1", slot0: imageBytes("hash-only-1.0.0.bin") });
    const pool = smp.createPool(smp.virtualTransport({ find: () => device, names: () => ["sensor-1"] }));
    const source = await smp.openFirmware(imagePath("hash-only-1.2.3+4.bin"));
    try {
      const info = await smp.inspectFirmware(source);
      const wanted = smp.describeFirmware(info, 0);
      const state = await pool.use("sensor-1", { name: "update" }, async (handle) => {
        assert.equal(smp.isUpToDate(await smp.readImageState(await handle.session()), wanted), false);
        await smp.uploadFirmware(handle, source, info);
        await smp.testImage(handle, wanted);
        assert.equal((await smp.resetDevice(handle, { wanted })).verdict, "testing");
        return smp.confirmImage(handle, wanted);
      });
      assert.equal(smp.isUpToDate(state, wanted), true);
      assert.equal(device.version, "1.2.3.4");
    } finally {
      await Promise.all([source.close(), pool.close()]);
      device.close();
    }
  });
});
