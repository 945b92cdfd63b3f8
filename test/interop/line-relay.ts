/** A TCP port in front of a serial line's: it counts what goes through, takes the time of a UART, and breaks the connection when told to. */
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { Traffic } from "./traffic";

/** Start bit, eight, stop bit. */
const BITS_PER_BYTE = 10;

export class LineRelay {
  readonly address: string;
  readonly port: number;
  readonly traffic = new Traffic();
  /** So far. */
  connections = 0;
  readonly #server: Server;
  readonly #target: number;
  readonly #baud: number | undefined;
  readonly #sockets = new Set<Socket>();
  #breakAtBytes = Infinity;

  private constructor(server: Server, target: number, baud: number | undefined) {
    this.#server = server;
    this.#target = target;
    this.#baud = baud;
    this.port = (server.address() as AddressInfo).port;
    this.address = `tcp://127.0.0.1:${this.port}`;
    server.on("connection", (client: Socket) => this.#join(client));
  }

  /**
   * @param target the line's TCP port on this host
   * @param baud bytes take as long as on a UART; no time when absent
   */
  static async open(target: number, baud?: number): Promise<LineRelay> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    return new LineRelay(server, target, baud);
  }

  /** Breaks the connection once, in the middle of whatever is then on its way; a new one works. */
  breakAfter(sentBytes: number): void {
    this.#breakAtBytes = this.traffic.sentBytes + sentBytes;
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
    const toLine = this.#paced((data) => void line.write(data));
    const toClient = this.#paced((data) => {
      this.traffic.received(data);
      client.write(data);
    });
    client.on("data", (data: Buffer) => this.#send(toLine, data));
    line.on("data", toClient);
  }

  #send(toLine: (data: Buffer) => void, data: Buffer): void {
    const roomBytes = this.#breakAtBytes - this.traffic.sentBytes;
    const passed = data.subarray(0, Math.min(roomBytes, data.length));
    this.traffic.sent(passed);
    toLine(passed);
    if (roomBytes > data.length) return;
    this.#breakAtBytes = Infinity;
    setImmediate(() => this.#break());
  }

  /** `pass`, when the bytes have had their time on the line. */
  #paced(pass: (data: Buffer) => void): (data: Buffer) => void {
    const baud = this.#baud;
    if (baud === undefined) return pass;
    let freeMs = 0;
    return (data) => {
      freeMs = Math.max(freeMs, performance.now()) + (data.length * BITS_PER_BYTE * 1000) / baud;
      setTimeout(pass, freeMs - performance.now(), data);
    };
  }

  #break(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}
