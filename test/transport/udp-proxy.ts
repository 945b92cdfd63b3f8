/** A network that loses, repeats and reorders datagrams, between one client and one server. */
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import { after } from "../../src/clock";

/** "late": so much that others overtake it. */
export type Fate = "pass" | "lose" | "twice" | "late";

const LATE_MS = 200;

export class UdpProxy {
  readonly port: number;
  /** Datagrams by what became of them. */
  readonly fates: Record<Fate, number> = { pass: 0, lose: 0, twice: 0, late: 0 };
  readonly #sockets: readonly [Socket, Socket];
  readonly #fate: () => Fate;
  #isClosed = false;
  #client: RemoteInfo | undefined;

  private constructor(sockets: readonly [Socket, Socket], serverPort: number, fate: () => Fate) {
    const [front, back] = (this.#sockets = sockets);
    this.port = front.address().port;
    this.#fate = fate;
    front.on("message", (datagram, from) => {
      this.#client = from;
      this.#pass(datagram, (each) => back.send(each, serverPort, "127.0.0.1"));
    });
    back.on("message", (datagram) => {
      this.#pass(datagram, (each) => front.send(each, this.#client!.port, "127.0.0.1"));
    });
  }

  static async to(serverPort: number, fate: () => Fate): Promise<UdpProxy> {
    const bound = async (): Promise<Socket> => {
      const socket = createSocket("udp4").bind(0, "127.0.0.1");
      await once(socket, "listening");
      return socket;
    };
    return new UdpProxy([await bound(), await bound()], serverPort, fate);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const closed = this.#sockets.map((socket) => once(socket, "close"));
    this.#sockets.forEach((socket) => socket.close());
    await Promise.all(closed);
  }

  #pass(datagram: Buffer, send: (datagram: Buffer) => void): void {
    const fate = this.#fate();
    this.fates[fate]++;
    if (fate === "late") after(LATE_MS, () => !this.#isClosed && send(datagram));
    for (let copies = COPIES[fate]; copies > 0; copies--) send(datagram);
  }
}

const COPIES: Readonly<Record<Fate, number>> = { pass: 1, lose: 0, twice: 2, late: 0 };
