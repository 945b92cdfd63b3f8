import assert from "node:assert/strict";
import { install, type Clock } from "@sinonjs/fake-timers";
import type { BleLink } from "../../src/transport/ble-link";
import type { BleTransport } from "../../src/transport/ble";
import { encodeHeader } from "../../src/smp/header";
import type { Behaviour, VirtualPeripheral } from "../ble-controller/peripheral";
import { BleWorld, FOREVER, PassiveServer, until } from "./ble-fixture";

function frame(bodyBytes: number, seq: number): Uint8Array {
  const header = encodeHeader({ op: 3, version: 1, bodyBytes, group: 1, seq, id: 1 });
  return new Uint8Array(Buffer.concat([header, Buffer.alloc(bodyBytes, seq)]));
}

describe("Bluetooth LE link out of step", () => {
  let world: BleWorld;
  let transport: BleTransport;
  let clock: Clock;
  let server: PassiveServer;
  let link: BleLink;
  before(() => {
    world = new BleWorld();
    transport = world.transport({ driver: "abandonware" });
  });
  beforeEach(() => {
    clock = install({ toFake: ["performance"] });
    server = new PassiveServer();
  });
  afterEach(async () => {
    clock.uninstall();
    await link.close();
    world.clear();
  });
  after(() => world.close());

  async function open(behaviour: Partial<Behaviour>): Promise<VirtualPeripheral> {
    const peripheral = world.add(server, behaviour);
    link = await transport.open(transport.parse("sensor-1"), FOREVER);
    return peripheral;
  }
  const nextFrame = async (): Promise<Uint8Array> =>
    (await link.frames[Symbol.asyncIterator]().next()).value as Uint8Array;

  it("makes a server forget half a frame before it sends again into a long silence", async () => {
    const peripheral = await open({ mtu: 100 });
    await link.send(frame(300, 1).subarray(0, 250), FOREVER);
    clock.tick(5_000);
    await link.send(frame(300, 2), FOREVER);
    await until(() => server.received.length > 0);
    assert.deepEqual(server.received, [frame(300, 2)]);
    assert.equal(peripheral.subscriptions, 2);
  });

  it("leaves the subscription alone while answers come", async () => {
    const peripheral = await open({ mtu: 100 });
    for (let seq = 0; seq < 3; seq++) {
      await link.send(frame(300, seq), FOREVER);
      clock.tick(600);
    }
    server.send(frame(10, 0));
    await nextFrame();
    clock.tick(60_000);
    await link.send(frame(300, 9), FOREVER);
    assert.equal(peripheral.subscriptions, 1);
  });

  it("leaves the subscription alone when frames in one piece are not answered", async () => {
    const peripheral = await open({ mtu: 100 });
    await link.send(frame(50, 1), FOREVER);
    clock.tick(60_000);
    await link.send(frame(50, 2), FOREVER);
    assert.equal(peripheral.subscriptions, 1);
  });

  it("forgets half an answer whose rest does not come", async () => {
    await open({ mtu: 100, losesNotification: 3 });
    server.send(frame(250, 1));
    await link.send(frame(20, 1), FOREVER);
    await until(() => server.received.length === 1);
    clock.tick(5_000);
    await link.send(frame(20, 2), FOREVER);
    await until(() => server.received.length === 2);
    server.send(frame(80, 2));
    assert.deepEqual(await nextFrame(), frame(80, 2));
  });

  it("finds the next answer after a notification was lost", async () => {
    await open({ mtu: 100, losesNotification: 3 });
    server.send(frame(250, 1));
    server.send(frame(150, 2));
    assert.deepEqual(await nextFrame(), frame(150, 2));
  });

  it("sends the fragments of frames that are sent at once one frame after the other", async () => {
    const peripheral = await open({ mtu: 100, reassemblyBytes: undefined });
    await Promise.all([1, 2, 3].map((seq) => link.send(frame(200, seq), FOREVER)));
    await until(() => peripheral.writes.length === 9);
    assert.deepEqual(peripheral.writes, [97, 97, 14, 97, 97, 14, 97, 97, 14]);
    assert.deepEqual(Buffer.concat(server.received), Buffer.concat([1, 2, 3].map((seq) => frame(200, seq))));
  });
});
