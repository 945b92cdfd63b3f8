/** In the guest: peripherals on a controller that the kernel takes for hardware (/dev/vhci). A process of its own: reading there blocks. */
import { openSync, read, writeSync } from "node:fs";
import { VirtualDevice } from "../../../src/device/device";
import { Controller } from "../../ble-controller/controller";
import { type Server, VirtualPeripheral } from "../../ble-controller/peripheral";
import { buildImage } from "../../build-image";

const LARGEST_PACKET_BYTES = 4096;
const VENDOR_PACKET = 0xff;
/** Create the controller now, with the usual quirks of none (drivers/bluetooth/hci_vhci.c). */
const CREATE = Buffer.of(VENDOR_PACKET, 0x00);
const SCAN_ENABLE = 0x200c;

/** Advertises until somebody who has seen it stops scanning, which is when one connects. */
class Ghost implements Server {
  isGone = false;
  #wasSeen = false;

  get isOn(): boolean {
    if (this.isGone) return false;
    this.#wasSeen = true;
    return true;
  }

  hear(packet: Buffer): void {
    const stopsScan = packet[0] === 0x01 && packet.readUInt16LE(1) === SCAN_ENABLE && packet[4] === 0;
    if (stopsScan && this.#wasSeen) this.isGone = true;
  }

  connect(): never {
    throw new Error("nobody can connect to it");
  }
}

const device = new VirtualDevice({
  name: "sensor-1",
  slot0: buildImage({ version: "1.0.0", payloadBytes: 5_000 }),
  slotBytes: 16 * 4096,
});
const server: Server = {
  get isOn() {
    return device.state === "application";
  },
  connect: (client) => device.connect(client),
};
const ghost = new Ghost();
const peripherals = [new VirtualPeripheral(server, { name: "sensor-1", address: "c0:ff:ee:00:00:01" })];

const vhci = openSync("/dev/vhci", "r+");
const controller = new Controller({
  peripherals: () => peripherals,
  send: (packet) => void writeSync(vhci, packet),
  violated: (what) => console.log(`violated: ${what}`),
});

function readOn(): void {
  read(vhci, Buffer.alloc(LARGEST_PACKET_BYTES), 0, LARGEST_PACKET_BYTES, null, (error, bytes, buffer) => {
    if (error) throw error;
    const packet = buffer.subarray(0, bytes);
    if (packet[0] === VENDOR_PACKET) process.send!("plugged in");
    else take(packet);
    readOn();
  });
}

function take(packet: Buffer): void {
  ghost.hear(packet);
  controller.take(packet);
}

process.on("message", () => {
  peripherals.push(new VirtualPeripheral(ghost, { name: "ghost", address: "c0:ff:ee:00:00:02" }));
});
writeSync(vhci, CREATE);
readOn();
