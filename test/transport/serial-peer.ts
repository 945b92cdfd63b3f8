/** A device at the far end of a serial line, as the contract's suite needs it: a TCP server that speaks the framing. */
import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { ConsoleDecoder } from "../../src/framing/console-decoder";
import { encodeConsole } from "../../src/framing/console-encoder";
import { RawDecoder } from "../../src/framing/raw";
import type { FarEnd } from "./contract";

export class SerialPeer implements FarEnd {
  readonly received: Uint8Array[] = [];
  /** All bytes that came over the last line. */
  bytes: Buffer = Buffer.alloc(0);
  readonly port: number;
  readonly #server: Server;
  readonly #framing: "console" | "raw";
  readonly #sockets = new Set<Socket>();
  #last: Socket | undefined;

  private constructor(server: Server, framing: "console" | "raw") {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    this.#framing = framing;
    server.on("connection", (socket) => this.#take(socket));
  }

  static async listen(framing: "console" | "raw" = "console"): Promise<SerialPeer> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    return new SerialPeer(server, framing);
  }

  get address(): string {
    return `tcp://127.0.0.1:${this.port}`;
  }

  get connections(): number {
    return this.#sockets.size;
  }

  send(frame: Uint8Array): void {
    this.write(this.#framing === "raw" ? frame : Buffer.concat(encodeConsole(frame)));
  }

  write(bytes: Uint8Array | string): void {
    this.#last?.write(bytes);
  }

  vanish(): void {
    this.#last?.destroySoon();
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }

  #take(socket: Socket): void {
    this.#last = socket;
    this.#sockets.add(socket.setNoDelay());
    this.bytes = Buffer.alloc(0);
    const lines = new ConsoleDecoder();
    const raw = new RawDecoder({
      ops: [0, 1, 2, 3, 4, 5, 6, 7],
      maxFrameBytes: Number.MAX_SAFE_INTEGER,
      onBadHeader: "drop-all",
    });
    socket.on("data", (bytes) => {
      this.bytes = Buffer.concat([this.bytes, bytes]);
      this.received.push(...(this.#framing === "raw" ? raw.take(bytes, 0) : lines.take(bytes)));
    });
    socket.on("error", () => undefined);
    socket.on("close", () => this.#sockets.delete(socket));
  }
}
