/** The air between the adapter of a Bluetooth process and virtual peripherals, all but noble in the test's own process. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server as NetServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { HostProcessOptions } from "../../src/transport/ble-host-process";
import { Controller } from "./controller";
import type { VirtualPeripheral } from "./peripheral";
import { Packets, packed } from "./wire";

export class Air {
  readonly peripherals: VirtualPeripheral[] = [];
  /** What the host did though no host may. */
  readonly violations: string[] = [];
  readonly #folder = mkdtempSync(join(tmpdir(), "air-"));
  readonly #server: NetServer;
  readonly #controllers = new Map<Socket, Controller>();

  constructor() {
    this.setAdapter("up");
    this.#server = createServer((socket) => this.#plug(socket)).listen(this.#path("hci"));
  }

  /** For the Bluetooth process that is to live in this air. */
  options(env: NodeJS.ProcessEnv = {}): HostProcessOptions {
    return {
      execArgv: ["--require", require.resolve("tsx/cjs"), "--require", require.resolve("./shim")],
      env: { BLE_AIR: this.#path("hci"), BLE_AIR_STATE: this.#path("state"), ...env },
    };
  }

  /** noble looks once a second. */
  setAdapter(state: "up" | "down" | "absent" | "denied"): void {
    writeFileSync(this.#path("state"), state);
    if (state === "up") return;
    for (const controller of this.#controllers.values()) controller.close();
  }

  get openLinks(): number {
    return this.peripherals.filter(({ link }) => link !== undefined).length;
  }

  get isScanning(): boolean {
    return [...this.#controllers.values()].some(({ isScanning }) => isScanning);
  }

  async close(): Promise<void> {
    for (const socket of this.#controllers.keys()) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #plug(socket: Socket): void {
    const controller = new Controller({
      peripherals: () => this.peripherals,
      send: (packet) => void (socket.writable && socket.write(packed(packet))),
      violated: (what) => this.violations.push(what),
    });
    this.#controllers.set(socket, controller);
    const packets = new Packets((packet) => controller.take(packet));
    socket.on("data", (bytes) => packets.take(bytes));
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.#controllers.delete(socket);
      controller.close();
    });
  }

  #path(name: string): string {
    return join(this.#folder, name);
  }
}
