import assert from "node:assert/strict";
import { discoverDevices } from "../../src/transport/discover";
import { BleWorld, DRIVERS, failure, PassiveServer } from "./ble-fixture";

describe("Bluetooth LE devices that are found", () => {
  let world: BleWorld;
  beforeEach(() => (world = new BleWorld()));
  afterEach(() => world.close());

  for (const driver of DRIVERS) {
    it(`have name, signal and whether they advertise SMP (${driver})`, async () => {
      world.add(new PassiveServer());
      world.add(new PassiveServer(), { advertisesSmp: false });
      const found = await discoverDevices(world.transport({ driver }), { forMs: 600_000, maxDevices: 2 });
      const sorted = found.toSorted((a, b) => a.device.localeCompare(b.device));
      assert.deepEqual(sorted, [
        { device: "c0:ff:ee:00:00:01", address: "c0:ff:ee:00:00:01", name: "sensor-1", rssi: -60, smp: true },
        { device: "c0:ff:ee:00:00:02", address: "c0:ff:ee:00:00:02", name: "sensor-2", rssi: -60, smp: false },
      ]);
    });
  }

  it("cannot be found while the adapter is off, which is told", async () => {
    world.air.setAdapter("down");
    const { code, hint } = await failure(() =>
      discoverDevices(world.transport({ driver: "stoprocent" }), { forMs: 600_000 }),
    );
    assert.equal(code, "SMP_LINK_OPEN");
    assert.match(hint, /rfkill/);
  });
});
