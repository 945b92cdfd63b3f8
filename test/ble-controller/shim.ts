/* oxlint-disable no-underscore-dangle -- Node's name for it */
/**
 * Loaded into the Bluetooth process before anything else: takes the place of both forks' `bluetooth-hci-socket` and hands
 * their HCI packets to the virtual controller in the test's process. All of noble above it is real.
 */
import { EventEmitter } from "node:events";
import { readFileSync } from "node:fs";
import Module from "node:module";
import { connect, type Socket } from "node:net";
import { Packets, packed } from "./wire";

/** What the adapter is like: a file, since noble asks without waiting. */
type AdapterState = "up" | "down" | "absent" | "denied";

function adapterState(): AdapterState {
  return readFileSync(process.env["BLE_AIR_STATE"]!, "utf8") as AdapterState;
}

class VirtualHciSocket extends EventEmitter {
  #socket: Socket | undefined;

  bindRaw(): void {
    if (adapterState() === "absent") throw Object.assign(new Error("ENODEV, No such device"), { code: "ENODEV" });
  }
  bindUser(): void {
    this.bindRaw();
  }
  bindControl(): void {}
  isDevUp(): boolean {
    return adapterState() !== "down";
  }
  start(): void {
    if (this.#socket) return;
    const packets = new Packets((packet) => this.emit("data", packet));
    this.#socket = connect(process.env["BLE_AIR"]!).on("data", (bytes) => packets.take(bytes));
    this.#socket.on("error", () => process.exit(3));
  }
  stop(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
  }
  reset(): void {}
  setFilter(): void {}
  cleanup(): void {}
  write(packet: Buffer): void {
    if (adapterState() === "denied") {
      const denied = Object.assign(new Error("EPERM, Operation not permitted"), { code: "EPERM" });
      setImmediate(() => this.emit("error", denied));
    } else if (adapterState() === "up") this.#socket?.write(packed(packet));
  }
}

const SUBSTITUTES: Readonly<Record<string, unknown>> = {
  "@abandonware/bluetooth-hci-socket": VirtualHciSocket,
  "@stoprocent/bluetooth-hci-socket": { loadDriver: () => VirtualHciSocket },
};
const missing = (process.env["BLE_MISSING_PACKAGES"] ?? "").split(",");

type Loader = { _load(request: string, ...rest: unknown[]): unknown };
const loader = Module as unknown as Loader;
const load = loader._load.bind(Module);
loader._load = (request, ...rest) => {
  if (Object.hasOwn(SUBSTITUTES, request) && process.env["BLE_UNCOMPILED"]) {
    throw Object.assign(new Error(`Cannot find module '../build/Release/bluetooth_hci_socket.node'`), {
      code: "MODULE_NOT_FOUND",
    });
  }
  if (Object.hasOwn(SUBSTITUTES, request)) return SUBSTITUTES[request];
  if (missing.some((name) => name !== "" && request.startsWith(name))) {
    throw Object.assign(new Error(`Cannot find module '${request}'`), { code: "MODULE_NOT_FOUND" });
  }
  return load(request, ...rest);
};

// A way for tests to block the process as noble does.
process.on("SIGUSR2", () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
