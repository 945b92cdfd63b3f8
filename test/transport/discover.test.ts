import assert from "node:assert/strict";
import { discoverDevices, type Discovery } from "../../src/transport/discover";
import { serialTransport } from "../../src/transport/serial";
import type { PortInfo } from "../../src/transport/serial/port-list";
import type { FoundDevice } from "../../src/transport/transport";
import { udpTransport } from "../../src/transport/udp";
import { virtualTransport } from "../../src/transport/virtual";
import { SmpError } from "../../src/errors";
import { BleWorld, DRIVERS, failure, PassiveServer } from "./ble-fixture";

const device = (name: string, rssi?: number): FoundDevice => ({
  device: name,
  address: name,
  ...(rssi !== undefined && { rssi }),
});

/** A radio that sees these devices at once, and then nothing until it is told to end. */
const radio = (...seen: FoundDevice[]): Discovery => ({
  scheme: "radio",
  discover: (signal, onSeen) =>
    new Promise((resolve) => {
      for (const each of seen) onSeen(each);
      if (signal.aborted) resolve();
      signal.addEventListener("abort", () => resolve(), { once: true });
    }),
});

describe("looking for devices", () => {
  it("tells each device once, and gives what was last known of it", async () => {
    const told: FoundDevice[] = [];
    const air = radio(device("a", -70), device("b", -60), device("a", -50));
    const found = await discoverDevices(air, { forMs: 20, onFound: (each) => told.push(each) });
    assert.deepEqual(told, [device("a", -70), device("b", -60)]);
    assert.deepEqual(found, [device("a", -50), device("b", -60)]);
  });

  it("tells a device as soon as it is wanted", async () => {
    const told: FoundDevice[] = [];
    const found = await discoverDevices(radio(device("a", -90), device("b", -95), device("a", -50)), {
      forMs: 20,
      isWanted: ({ rssi }) => rssi! >= -80,
      onFound: (each) => told.push(each),
    });
    assert.deepEqual([told, found], [[device("a", -50)], [device("a", -50)]]);
  });

  it("ends early with as many devices as may be, however long it may look", async () => {
    const many = Array.from({ length: 300 }, (_, index) => device(`device-${index}`));
    const found = await discoverDevices(radio(...many), { forMs: 600_000, maxDevices: 200 });
    assert.equal(found.length, 200);
  });

  it("ends with the reason of an abort, before and while it looks", async () => {
    const controller = new AbortController();
    const looking = discoverDevices(radio(), { forMs: 600_000, signal: controller.signal });
    controller.abort(new SmpError("SMP_ABORTED", "enough"));
    await assert.rejects(looking, { code: "SMP_ABORTED", message: "enough" });
    await assert.rejects(discoverDevices(radio(), { forMs: 1, signal: controller.signal }), { message: "enough" });
  });

  it("ends with the error of who is told, and of who looks", async () => {
    const onFound = (): void => {
      throw new Error("no more");
    };
    await assert.rejects(discoverDevices(radio(device("a")), { forMs: 600_000, onFound }), { message: "no more" });
    const broken: Discovery = { scheme: "radio", discover: () => Promise.reject(new SmpError("SMP_LINK_OPEN", "off")) };
    await assert.rejects(discoverDevices(broken, { forMs: 600_000 }), { code: "SMP_LINK_OPEN", message: "off" });
  });

  it("is refused over UDP", async () => {
    const { code, message, hint } = await failure(() => discoverDevices(udpTransport(), { forMs: 1 }));
    assert.equal(code, "SMP_BAD_SETTING");
    assert.match(message, /over udp/);
    assert.match(hint, /address/);
  });

  it("lists the virtual devices of a pool", async () => {
    const transport = virtualTransport({ find: () => undefined, names: () => ["door", "window"] });
    const found = await discoverDevices(transport, { forMs: 600_000 });
    assert.deepEqual(
      found.map((each) => [each.device, each.smp]),
      [
        ["door", true],
        ["window", true],
      ],
    );
  });
});

describe("serial ports that are found", () => {
  const found = (...ports: PortInfo[]) =>
    discoverDevices(serialTransport({ list: async () => ports }), { forMs: 1_000 });
  const board = { vendorId: "2fe3", productId: "0004", name: "Zephyr USB-DEV" };

  it("have the identity of their USB device as address, and the path otherwise", async () => {
    const all = await found(
      { path: "/dev/ttyACM0", ...board, serialNumber: "A1B2" },
      { path: "/dev/ttyACM1", ...board },
      { path: "/dev/ttyACM2", ...board, serialNumber: "0 1?" },
      { path: "/dev/ttyS0" },
    );
    assert.deepEqual(
      all.map((each) => [each.device, each.address, each.name]),
      [
        ["usb:2fe3:0004:A1B2", "/dev/ttyACM0", "Zephyr USB-DEV"],
        ["/dev/ttyACM1", "/dev/ttyACM1", "Zephyr USB-DEV"],
        ["/dev/ttyACM2", "/dev/ttyACM2", "Zephyr USB-DEV"],
        ["/dev/ttyS0", "/dev/ttyS0", undefined],
      ],
    );
  });

  it("are told apart where a device has several, and all open by their address", async () => {
    const ports = [0, 1].map((number) => ({ path: `/dev/ttyACM${number}`, ...board, serialNumber: "A1B2" }));
    const opened: string[] = [];
    class SerialPort {
      constructor({ path }: { path: string }) {
        opened.push(path);
      }
      on = (): this => this;
      open = (done: (error: Error) => void): void => done(new Error("it was only a test"));
    }
    const load = () => Promise.resolve({ SerialPort } as never);
    const transport = serialTransport({ list: async () => ports, load });
    for (const each of await discoverDevices(transport, { forMs: 1_000 })) {
      await assert.rejects(transport.open(transport.parse(each.device), new AbortController().signal), /only a test/);
    }
    assert.deepEqual(opened, ["/dev/ttyACM0", "/dev/ttyACM1"]);
  });
});

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
