import assert from "node:assert/strict";
import type { DeviceListener } from "../../src/device/connection";
import { SmpError } from "../../src/errors";
import { virtualTransport, type ConnectableDevice } from "../../src/transport/virtual";
import { transportContract, type FarEnd, type TransportFixture } from "./contract";

/** A device that does nothing by itself. */
class PassiveDevice implements ConnectableDevice, FarEnd {
  readonly received: Uint8Array[] = [];
  client: DeviceListener | undefined;
  isOff = false;

  connect(client: DeviceListener) {
    if (this.isOff) throw new SmpError("SMP_LINK_OPEN", "sensor is rebooting");
    this.client = client;
    return {
      send: (packet: Uint8Array) => void this.received.push(packet),
      close: () => (this.client = undefined),
    };
  }

  send(frame: Uint8Array): void {
    this.client?.frame(frame);
  }

  vanish(): void {
    const { client } = this;
    this.client = undefined;
    client?.lost("the device rebooted");
  }
}

function makeDevices(): Map<string, PassiveDevice> {
  return new Map([
    ["sensor-1", new PassiveDevice()],
    ["sensor-2", new PassiveDevice()],
  ]);
}

const transportTo = (devices: Map<string, PassiveDevice>) =>
  virtualTransport({ find: (name) => devices.get(name), names: () => [...devices.keys()] });

transportContract("virtual", (): TransportFixture<string> => {
  const devices = makeDevices();
  return {
    transport: transportTo(devices),
    present: ["sensor-1", "sensor-2"],
    missing: "sensor-3",
    bad: ["   ", Buffer.from("sensor-1"), ["sensor-1"], { name: "sensor-1" }],
    farEnd: (device) => devices.get(device as string)!,
    openLinks: () => [...devices.values()].filter(({ client }) => client !== undefined).length,
    close: async () => {},
  };
});

describe("virtual transport", () => {
  const open = (devices: Map<string, PassiveDevice>, name: string) =>
    transportTo(devices).open(name, new AbortController().signal);

  it("names the devices there are when asked for another", () => {
    assert.throws(() => transportTo(makeDevices()).parse("sensor-9"), {
      code: "SMP_UNKNOWN_DEVICE",
      message: 'there is no virtual device "sensor-9": the pool has sensor-1, sensor-2',
    });
  });

  it("says so when there is no device at all", () => {
    assert.throws(() => transportTo(new Map()).parse("sensor-1"), { message: /the pool has none/ });
  });

  it("forgives spaces around a name", () => {
    assert.equal(transportTo(makeDevices()).parse(" sensor-1\n"), "sensor-1");
  });

  it("does not open a device that was removed since its address was checked", async () => {
    const devices = makeDevices();
    devices.delete("sensor-2");
    await assert.rejects(open(devices, "sensor-2"), { code: "SMP_UNKNOWN_DEVICE" });
  });

  it("passes on why a device cannot be reached", async () => {
    const devices = makeDevices();
    devices.get("sensor-1")!.isOff = true;
    await assert.rejects(open(devices, "sensor-1"), { code: "SMP_LINK_OPEN", message: /rebooting/ });
  });

  it("tells why the link was lost to the reader and to who sends afterwards", async () => {
    const devices = makeDevices();
    const link = await open(devices, "sensor-1");
    devices.get("sensor-1")!.vanish();
    const expected = { code: "SMP_LINK_LOST", message: "virtual:sensor-1 was lost: the device rebooted" };
    await assert.rejects(async () => {
      for await (const _ of link.frames);
    }, expected);
    await assert.rejects(link.send(new Uint8Array(8), new AbortController().signal), expected);
  });
});
