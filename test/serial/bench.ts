/** A virtual device behind a real TCP serial line, and the library as its client. */
import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { VirtualDevice } from "../../src/device/device";
import type { VirtualDeviceOptions } from "../../src/device/options";
import { SerialLine, type SerialLineOptions } from "../../src/device/serial-line";
import { inspectFirmware } from "../../src/image/inspect";
import { openFirmware } from "../../src/image/source";
import { createPool } from "../../src/session/pool";
import type { DeviceHandle, SessionPool } from "../../src/session/types";
import { serialTransport, type SerialOptions } from "../../src/transport/serial";
import { uploadFirmware, type UploadOptions } from "../../src/update/upload";
import type { UploadResult } from "../../src/update/types";
import { buildImage } from "../build-image";

const OLD = buildImage({ version: "1.0.0", payloadBytes: 20_000 });
export const NEW = buildImage({ version: "1.1.0", payloadBytes: 30_000 });

export interface SerialBenchOptions extends Partial<SerialLineOptions> {
  readonly device?: Partial<VirtualDeviceOptions>;
  /** What the device writes for a line of its own; a log gets mixed up with it. */
  readonly mix?: (line: Uint8Array) => Uint8Array | string;
  readonly transport?: SerialOptions;
}

export class SerialBench {
  readonly device: VirtualDevice;
  readonly pool: SessionPool;
  readonly lines: SerialLine[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(
    server: Server,
    { device, mix, transport = { lineDelayMs: 0 }, framing = "console", lineBuffers }: SerialBenchOptions,
  ) {
    this.#server = server;
    this.device = new VirtualDevice({ name: "uart", slot0: OLD, slotBytes: 64 * 1024, ...device });
    this.pool = createPool(serialTransport({ framing, ...transport }), {});
    server.on("connection", (socket) => {
      this.#sockets.add(socket.setNoDelay());
      const write = (bytes: Uint8Array): void => void socket.write(mix ? mix(bytes) : bytes);
      const line = new SerialLine(this.device, { framing, lineBuffers }, write);
      this.lines.push(line);
      socket.on("data", (bytes) => line.take(bytes));
      socket.on("error", () => undefined);
      socket.on("close", () => {
        line.close();
        this.#sockets.delete(socket);
      });
    });
  }

  static async start(options: SerialBenchOptions = {}): Promise<SerialBench> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    return new SerialBench(server, options);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get address(): string {
    return `tcp://127.0.0.1:${this.port}`;
  }

  get connections(): number {
    return this.#sockets.size;
  }

  use<T>(work: (device: DeviceHandle) => Promise<T>, address = this.address): Promise<T> {
    return this.pool.use(address, { name: "test" }, work);
  }

  async upload(file: Uint8Array, options: UploadOptions = {}, address = this.address): Promise<UploadResult> {
    const source = await openFirmware(file);
    const info = await inspectFirmware(source);
    return await this.use((device) => uploadFirmware(device, source, info, options), address);
  }

  /** As when the cable is pulled. */
  unplug(): void {
    this.#sockets.forEach((socket) => socket.destroy());
  }

  async close(): Promise<void> {
    await this.pool.close();
    this.device.close();
    this.unplug();
    this.#server.close();
    await once(this.#server, "close");
  }
}
