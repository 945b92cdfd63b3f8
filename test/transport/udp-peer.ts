/** The far end of UDP links: a port that may close and open again. */
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import type { Link } from "../../src/transport/transport";
import type { FarEnd } from "./contract";

/** What a client says first, so that its address is known; no frame of a test. */
const HELLO = Buffer.from("hello, here I am");
const FOREVER = new AbortController().signal;

export class UdpPeer implements FarEnd {
  readonly received: Uint8Array[] = [];
  readonly host: string;
  #port = 0;
  #socket: Socket | undefined;
  #client: RemoteInfo | undefined;
  #link: Link | undefined;
  #sent: Promise<unknown> = Promise.resolve();

  constructor(host: string) {
    this.host = host;
  }

  get address(): string {
    return this.host.includes(":") ? `[${this.host}]:${this.#port}` : `${this.host}:${this.#port}`;
  }

  /** Of the link that it met last. */
  get clientPort(): number {
    return this.#client!.port;
  }

  get isListening(): boolean {
    return this.#socket !== undefined;
  }

  /** On the port that it had before, if any. */
  async listen(): Promise<void> {
    if (this.#socket) return;
    const socket = createSocket(this.host.includes(":") ? "udp6" : "udp4");
    this.#socket = socket.on("message", (datagram, from) => this.#receive(datagram, from)).bind(this.#port, this.host);
    await once(socket, "listening");
    this.#port = socket.address().port;
  }

  /** Gets to know a link, as a server does with the first request. */
  async meet(link: Link): Promise<void> {
    this.#link = link;
    this.#client = undefined;
    await link.send(HELLO, FOREVER);
    while (!this.#client) await nextTurn();
  }

  send(datagram: Uint8Array): void {
    const [socket, client] = [this.#socket!, this.#client!];
    const sent = new Promise((resolve) => socket.send(datagram, client.port, client.address, resolve));
    this.#sent = Promise.all([this.#sent, sent]);
  }

  /** Closes the port. UDP has no word of that: the client meets the closed port with the next frame. */
  vanish(): void {
    void this.#vanish();
  }

  async #vanish(): Promise<void> {
    await this.close();
    await nextTurn();
    await nextTurn();
    await this.#link!.send(HELLO, FOREVER).catch(() => undefined);
  }

  async close(): Promise<void> {
    const socket = this.#socket;
    this.#socket = undefined;
    if (!socket) return;
    await this.#sent;
    socket.close();
    await once(socket, "close");
  }

  #receive(datagram: Buffer, from: RemoteInfo): void {
    this.#client = from;
    if (!datagram.equals(HELLO)) this.received.push(Uint8Array.from(datagram));
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
