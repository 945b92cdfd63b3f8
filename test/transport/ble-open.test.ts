import assert from "node:assert/strict";
import type { BleLink } from "../../src/transport/ble-link";
import type { BleTransport } from "../../src/transport/ble";
import type { BleAdvert } from "../../src/transport/ble-host/messages";
import type { Step } from "../ble-controller/peripheral";
import { encodeHeader } from "../../src/smp/header";
import { BleWorld, DRIVERS, failure, FOREVER, PassiveServer, until } from "./ble-fixture";

const STEPS: readonly Step[] = [
  "connect",
  "mtu",
  "services",
  "characteristics",
  "subscription-read",
  "subscription-write",
];

function frame(bodyBytes: number, seq = 1): Uint8Array {
  const header = encodeHeader({ op: 3, version: 1, bodyBytes, group: 1, seq, id: 1 });
  return new Uint8Array(Buffer.concat([header, Buffer.alloc(bodyBytes, seq)]));
}

async function next(link: BleLink): Promise<Uint8Array | undefined> {
  for await (const one of link.frames) return one;
  return undefined;
}

for (const driver of DRIVERS) {
  describe(`opening a Bluetooth LE link (${driver})`, () => {
    let world: BleWorld;
    let transport: BleTransport;
    let impatient: BleTransport;
    const links: BleLink[] = [];
    before(() => {
      world = new BleWorld();
      transport = world.transport({ driver });
      impatient = world.transport({ driver, scanMs: 300 });
    });
    afterEach(async () => {
      await Promise.all(links.splice(0).map((link) => link.close()));
      world.clear();
      assert.deepEqual(world.air.violations, []);
    });
    after(() => world.close());

    async function open(device: unknown = "sensor-1", signal = FOREVER, through = transport): Promise<BleLink> {
      const link = await through.open(transport.parse(device), signal);
      links.push(link);
      return link;
    }

    it("tells what the link turned out to be", async () => {
      world.add(new PassiveServer(), { mtu: 185 });
      const { facts } = await open();
      assert.deepEqual(facts, {
        address: "c0:ff:ee:00:00:01",
        name: "sensor-1",
        driver,
        mtu: 185,
        fragmentBytes: 182,
        intervalMs: 15,
        supervisionTimeoutMs: 4_000,
      });
    });

    it("does not believe the MTU of the link before", async () => {
      const peripheral = world.add(new PassiveServer(), { mtu: 247 });
      await (await open()).close();
      peripheral.behaviour = { ...peripheral.behaviour, mtuExchange: "refuse" };
      assert.equal((await open()).facts.mtu, 23);
    });

    it("finds a device by address, by name, and by a service that it advertises", async () => {
      // Addresses that no other test uses: @stoprocent/noble remembers advertised services.
      world.add(new PassiveServer(), { address: "c0:ff:ee:00:01:01", advertisesSmp: false });
      world.add(new PassiveServer(), { address: "c0:ff:ee:00:01:02" });
      const service = "8d53dc1d-1db7-4cd3-868b-8a527460aa84";
      for (const [device, address] of [
        ["C0-FF-EE-00-01-02", "c0:ff:ee:00:01:02"],
        ["c0ffee000101", "c0:ff:ee:00:01:01"],
        ["sensor-2", "c0:ff:ee:00:01:02"],
        [{ service }, "c0:ff:ee:00:01:02"],
        [{ name: "sensor-1" }, "c0:ff:ee:00:01:01"],
        [{ address: "c0:ff:ee:00:00:99", name: "sensor-1" }, "c0:ff:ee:00:01:01"],
      ] as const) {
        const link = await open(device);
        assert.equal(link.facts.address, address, JSON.stringify(device));
        await link.close();
      }
    });

    it("names the devices that were there instead of the one that is absent", async () => {
      world.add(new PassiveServer());
      const error = await failure(() => open("sensor-7", FOREVER, impatient));
      assert.equal(error.code, "SMP_LINK_OPEN");
      assert.match(
        error.message,
        /^cannot open ble:sensor-7: it did not advertise within 300 ms; seen instead: sensor-1$/,
      );
    });

    it("does not wait for an absent device while it opens one that is there", async () => {
      world.add(new PassiveServer());
      const absent = failure(() => open("sensor-7", FOREVER, impatient));
      await open("sensor-1");
      assert.equal((await absent).code, "SMP_LINK_OPEN");
    });

    it("says so when the device is there but takes no connections", async () => {
      world.add(new PassiveServer(), { isConnectable: false, advertisesSmp: true });
      const { message } = await failure(() => open("c0:ff:ee:00:00:01", FOREVER, impatient));
      assert.match(message, /it is there, but does not accept connections/);
    });

    it("says so when the device has no SMP service, and leaves it", async () => {
      world.add(new PassiveServer(), { hasSmp: false });
      const { message, hint } = await failure(() => open());
      assert.match(message, /it is connected, but has no SMP service/);
      assert.match(hint, /CONFIG_MCUMGR_TRANSPORT_BT/);
      await until(() => world.air.openLinks === 0);
    });

    for (const step of STEPS) {
      it(`tries again when the device vanishes once at the step "${step}"`, async () => {
        const peripheral = world.add(new PassiveServer(), { vanishesAt: step, vanishTimes: 1 });
        await open();
        assert.equal(peripheral.connections, 2);
      });
    }

    it("gives up, saying why, on a device that vanishes each time", async () => {
      const peripheral = world.add(new PassiveServer(), { vanishesAt: "services" });
      const error = await failure(() => open());
      assert.equal(error.code, "SMP_LINK_OPEN");
      assert.match(error.message, /supervision timeout\) \(reason 0x08\)/);
      assert.equal(peripheral.connections, 3);
    });

    for (const step of STEPS) {
      it(`opens cleanly after an attempt that was aborted at the step "${step}"`, async () => {
        const server = new PassiveServer();
        const peripheral = world.add(server, { intervalMs: 10, packetsPerEvent: 1 });
        const controller = new AbortController();
        const opening = failure(() => open("sensor-1", controller.signal));
        await until(() => peripheral.connections > 0);
        await new Promise((resolve) => setTimeout(resolve, STEPS.indexOf(step) * 10));
        controller.abort();
        assert.equal((await opening).code, "SMP_ABORTED");
        await until(() => world.air.openLinks === 0);
        const link = await open();
        server.send(frame(30));
        assert.deepEqual(await next(link), frame(30));
      });
    }

    for (const code of [0x05, 0x0f]) {
      it(`recognises a device that demands pairing by ATT error ${code}`, async () => {
        world.add(new PassiveServer(), { subscriptionError: code });
        const { message, hint } = await failure(() => open());
        assert.match(message, new RegExp(`the device demands pairing \\(ATT error 0x0${code.toString(16)}\\)`));
        assert.match(hint, /bluetoothctl.*pair/);
        await until(() => world.air.openLinks === 0);
      });
    }

    it("names any other error with which a subscription is refused", async () => {
      world.add(new PassiveServer(), { subscriptionError: 0x03 });
      assert.match((await failure(() => open())).message, /refuses to notify: ATT error 0x03/);
    });

    it("works at the smallest MTU when the device refuses to exchange it", async () => {
      const server = new PassiveServer();
      const peripheral = world.add(server, { mtuExchange: "refuse" });
      const link = await open();
      await link.send(frame(60), FOREVER);
      await until(() => server.received.length === 1);
      assert.deepEqual(peripheral.writes, [20, 20, 20, 8]);
    });

    it("says so when the device breaks the exchange of the MTU", async () => {
      world.add(new PassiveServer(), { mtuExchange: "invalid" });
      assert.match((await failure(() => open())).message, /exchange of the MTU with ATT error 0x04/);
      await until(() => world.air.openLinks === 0);
    });

    it("keeps a neighbour's link when another device's attempt fails", async () => {
      const server = new PassiveServer();
      world.add(server);
      world.add(new PassiveServer(), { hasSmp: false });
      const link = await open("sensor-1");
      await failure(() => open("sensor-2"));
      await failure(() => open("sensor-9", FOREVER, impatient));
      server.send(frame(30));
      assert.deepEqual(await next(link), frame(30));
    });

    it("says why a link was lost", async () => {
      const peripheral = world.add(new PassiveServer());
      const link = await open();
      peripheral.vanish(0x13);
      const { code, message } = await failure(() => next(link));
      assert.equal(code, "SMP_LINK_LOST");
      assert.equal(message, "ble:sensor-1 was lost: the device ended the connection (reason 0x13)");
    });

    it("shows devices while it scans, and ends with the signal", async () => {
      world.add(new PassiveServer());
      world.add(new PassiveServer(), { address: "c0:ff:ee:00:01:03", advertisesSmp: false, isConnectable: false });
      const seen = new Map<string, BleAdvert>();
      const controller = new AbortController();
      const scanning = transport.scan(controller.signal, (advert) => seen.set(advert.address, advert));
      await until(() => seen.size === 2);
      controller.abort();
      await scanning;
      const [one, other] = ["c0:ff:ee:00:00:01", "c0:ff:ee:00:01:03"].map((address) => seen.get(address)!);
      assert.deepEqual([one!.name, one!.smp, one!.connectable, one!.rssi], ["sensor-1", true, true, -60]);
      assert.deepEqual([other!.smp, other!.connectable], [false, false]);
    });

    it("scans on while links are opened", async () => {
      world.add(new PassiveServer());
      const controller = new AbortController();
      let seen = 0;
      const scanning = transport.scan(controller.signal, () => seen++);
      await until(() => seen > 0);
      await open("sensor-1");
      world.add(new PassiveServer());
      const before = seen;
      await until(() => seen > before);
      controller.abort();
      await scanning;
    });
  });
}
