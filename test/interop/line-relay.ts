/** A TCP port in front of a serial line's: it counts what goes through, and breaks the connection when told to. */
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

export class LineRelay {
  readonly address: string;
  /** From the client to the device, and back. */
  readonly bytes = { sent: 0, received: 0 };
  /** So far. */
  connections = 0;
  readonly #server: Server;
  readonly #target: number;
  readonly #sockets = new Set<Socket>();
  #breakAtBytes = Infinity;

  private constructor(server: Server, target: number) {
    this.#server = server;
    this.#target = target;
    this.address = `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on("connection", (client: Socket) => this.#join(client));
  }

  /** @param target the line's TCP port on this host */
  static async open(target: number): Promise<LineRelay> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    return new LineRelay(server, target);
  }

  /** Breaks the connection once, in the middle of whatever is then on its way; a new one works. */
  breakAfter(sentBytes: number): void {
    this.#breakAtBytes = this.bytes.sent + sentBytes;
  }

  async close(): Promise<void> {
    this.#break();
    this.#server.close();
    await once(this.#server, "close");
  }

  #join(client: Socket): void {
    const line = connect(this.#target, "127.0.0.1");
    const pair = [client, line];
    this.connections++;
    for (const socket of pair) {
      this.#sockets.add(socket.setNoDelay());
      socket.on("error", () => undefined);
      socket.on("close", () => {
        this.#sockets.delete(socket);
        for (const other of pair) other.destroy();
      });
    }
    client.on("data", (data: Buffer) => this.#send(line, data));
    line.on("data", (data: Buffer) => {
      this.bytes.received += data.length;
      client.write(data);
    });
  }

  #send(line: Socket, data: Buffer): void {
    const isLast = this.bytes.sent + data.length >= this.#breakAtBytes;
    const passed = isLast ? data.subarray(0, this.#breakAtBytes - this.bytes.sent) : data;
    this.bytes.sent += passed.length;
    line.write(passed, () => isLast && this.#break());
    if (isLast) this.#breakAtBytes = Infinity;
  }

  #break(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}
