import assert from "node:assert/strict";
import type { VirtualDevice } from "../../src/device/device";
import type { VirtualDeviceOptions } from "../../src/device/options";
import { inspectFirmware } from "../../src/image/inspect";
import { openFirmware } from "../../src/image/source";
import { createPool } from "../../src/session/pool";
import type { SessionPool } from "../../src/session/types";
import type { BleTransport } from "../../src/transport/ble";
import { confirmImage } from "../../src/update/confirm-image";
import { resetDevice } from "../../src/update/reset-device";
import { testImage } from "../../src/update/test-image";
import { uploadFirmware } from "../../src/update/upload";
import type { Behaviour } from "../ble-controller/peripheral";
import { buildImage } from "../build-image";
import { BleWorld, DRIVERS, until } from "./ble-fixture";

const OLD = buildImage({ version: "1.0.0", payloadBytes: 5_000 });
/** Small, as the slowest of these links carry 20 bytes at a time. */
const NEW = buildImage({ version: "2.0.0", payloadBytes: 12_000 });
const SLOTS = { slotBytes: 16 * 4096 } as const;

for (const driver of DRIVERS) {
  describe(`update over Bluetooth LE (${driver})`, () => {
    let world: BleWorld;
    let transport: BleTransport;
    let pool: SessionPool;
    before(() => {
      world = new BleWorld();
      transport = world.transport({ driver });
    });
    beforeEach(() => (pool = createPool(transport, { maxSessions: 8 })));
    afterEach(async () => {
      await pool.close();
      world.clear();
      assert.deepEqual(world.air.violations, []);
    });
    after(() => world.close());

    const addDevice = (behaviour: Partial<Behaviour> = {}, options: Partial<VirtualDeviceOptions> = {}) =>
      world.addDevice({ slot0: OLD, ...SLOTS, ...options }, behaviour);

    async function upload(name: string) {
      const info = await inspectFirmware(await openFirmware(NEW));
      const source = await openFirmware(NEW);
      return await pool.use(name, { name: "upload" }, (device) => uploadFirmware(device, source, info));
    }

    async function update(name: string): Promise<void> {
      const { firmware } = await upload(name);
      const wanted = { hash: firmware.hash, image: 0 };
      await pool.use(name, { name: "test" }, (device) => testImage(device, wanted));
      const { verdict } = await pool.use(name, { name: "reset" }, (device) => resetDevice(device, { wanted }));
      assert.equal(verdict, "testing");
      await pool.use(name, { name: "confirm" }, (device) => confirmImage(device, wanted));
    }

    function assertUpdated(device: VirtualDevice): void {
      assert.equal(device.version, "2.0.0");
      assert.equal(device.store.list().find(({ active }) => active)?.confirmed, true);
    }

    it("uploads, tests, resets, comes back to the device and confirms", async () => {
      const { device } = addDevice();
      await update("sensor-1");
      assertUpdated(device);
      assert.equal(device.boots, 2);
    });

    it("updates eight peripherals side by side through one adapter", async () => {
      const devices = Array.from({ length: 8 }, (_, index) => addDevice({ mtu: [23, 65, 247, 498][index % 4]! }));
      await Promise.all(devices.map((_, index) => update(`sensor-${index + 1}`)));
      for (const { device } of devices) assertUpdated(device);
    });

    for (const mtu of [23, 64, 100, 185, 247, 256, 498]) {
      it(`fits its writes into an MTU of ${mtu}`, async () => {
        const { peripheral, device } = addDevice({ mtu });
        await upload("sensor-1");
        assert.ok(Math.max(...peripheral.writes) <= mtu - 3, `writes of ${Math.max(...peripheral.writes)}`);
        assert.deepEqual(Buffer.from(device.store.slot(0, 1).read(0, NEW.length)), NEW);
      });
    }

    it("fills whole packets of the link layer", async () => {
      const { peripheral } = addDevice({ mtu: 498 });
      await upload("sensor-1");
      assert.equal(Math.max(...peripheral.writes), driver === "stoprocent" ? 495 : 244);
    });

    it("keeps to whole frames with a server that has a large buffer but does not reassemble", async () => {
      const { peripheral, device } = addDevice({ mtu: 247, reassemblyBytes: undefined });
      await upload("sensor-1");
      assert.deepEqual(Buffer.from(device.store.slot(0, 1).read(0, NEW.length)), NEW);
      const large = peripheral.writes.filter((bytes) => bytes > 200).length;
      assert.ok(large >= NEW.length / 244, `${large} writes use the room that there is`);
    });

    it("keeps to whole frames with a server that does not tell its buffer", async () => {
      const { device } = addDevice(
        { mtu: 247, reassemblyBytes: undefined },
        { profile: "zephyr-3.2", parameters: false },
      );
      const { retries } = await upload("sensor-1");
      assert.equal(retries, 0);
      assert.deepEqual(Buffer.from(device.store.slot(0, 1).read(0, NEW.length)), NEW);
    });

    it("says why an upload cannot begin when the MTU is 23 and the server does not reassemble", async () => {
      addDevice({ mtu: 23, reassemblyBytes: undefined }, { parameters: false });
      await assert.rejects(upload("sensor-1"), { code: "SMP_FRAME_TOO_LARGE", message: /carry 20 at most/ });
    });

    it("takes answers in slow and unequal notifications", async () => {
      const { device } = addDevice({ notifyBytes: 13, intervalMs: 1, packetsPerEvent: 2 });
      await upload("sensor-1");
      assert.deepEqual(Buffer.from(device.store.slot(0, 1).read(0, NEW.length)), NEW);
    });

    it("goes on where it stopped when the link breaks in the midst of an upload", async () => {
      // Slow enough for the link to break before the end.
      const { device, peripheral } = addDevice({ mtu: 100, intervalMs: 5 });
      const uploading = upload("sensor-1");
      await until(() => peripheral.writes.length > 40);
      peripheral.vanish();
      const { outcome } = await uploading;
      assert.equal(outcome, "uploaded");
      assert.equal(peripheral.connections, 2);
      assert.deepEqual(Buffer.from(device.store.slot(0, 1).read(0, NEW.length)), NEW);
    });

    it("finds a device that comes back with another address by its name", async () => {
      const { device, peripheral } = addDevice();
      const before = device.boots;
      const updating = update("sensor-1");
      await until(() => device.boots > before);
      peripheral.behaviour = { ...peripheral.behaviour, address: "c0:ff:ee:00:aa:01" };
      await updating;
      assertUpdated(device);
    });

    it("finds a device that comes back with another name by its address", async () => {
      const { device, peripheral } = addDevice();
      const before = device.boots;
      const updating = update("c0:ff:ee:00:00:01");
      await until(() => device.boots > before);
      peripheral.behaviour = { ...peripheral.behaviour, name: "sensor v2" };
      await updating;
      assertUpdated(device);
    });
  });
}
