import type { BleIdentity } from "../../src/transport/ble-host/messages";
import { BleWorld, DRIVERS, PassiveServer } from "./ble-fixture";
import { transportContract, type TransportFixture } from "./contract";

for (const driver of DRIVERS) {
  describe(`Bluetooth LE over ${driver}`, () => {
    let world: BleWorld;
    before(() => (world = new BleWorld()));
    after(() => world.close());

    transportContract(`ble (${driver})`, (): TransportFixture<BleIdentity> => {
      const servers = new Map(
        [new PassiveServer(), new PassiveServer()].map((server, at) => [`sensor-${at + 1}`, server]),
      );
      for (const server of servers.values()) world.add(server, { reassemblyBytes: 70_000 });
      return {
        transport: world.transport({ driver, scanMs: 500 }),
        present: ["sensor-1", "sensor-2"],
        missing: "sensor-3",
        bad: [
          "   ",
          Buffer.from("sensor-1"),
          { address: "c0:ff" },
          { name: 7 },
          { name: "sensor-1", speed: 3 },
          { service: "smp" },
          { name: " " },
        ],
        farEnd: (device) => servers.get(device as string)!,
        openLinks: () => world.air.openLinks,
        close: async () => world.clear(),
      };
    });
  });
}
