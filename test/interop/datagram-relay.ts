/** A UDP port in front of a device's, with the delay and the losses of a network; it counts what goes through. */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { image } from "../../src/smp/commands";
import { decodeMessage } from "../../src/smp/message";
import { randomFrom } from "../random";
import { Traffic } from "./traffic";

export interface Network {
  /** There and back. */
  readonly roundTripMs: number;
  /** Of a hundred datagrams, in each direction. */
  readonly lostPercent: number;
  /** The same seed loses the same datagrams. */
  readonly seed: number;
}

/** More does not get through Ethernet in one piece. */
const MAX_DATAGRAM_BYTES = 1472;

export class DatagramRelay {
  readonly traffic = new Traffic();
  /** Upload requests that the client sent, and the image bytes in them. */
  readonly uploads = { requests: 0, imageBytes: 0 };
  readonly #near: Socket;
  readonly #far: Socket;
  readonly #network: Network;
  readonly #random: () => number;
  #client: { address: string; port: number } | undefined;

  private constructor(near: Socket, far: Socket, network: Network) {
    this.#near = near;
    this.#far = far;
    this.#network = network;
    this.#random = randomFrom(network.seed);
    near.on("message", (datagram, client) => {
      this.#client = client;
      this.traffic.sent(datagram);
      this.#note(datagram);
      this.#pass(datagram, () => far.send(datagram));
    });
    far.on("message", (datagram) => {
      this.traffic.received(datagram);
      this.#pass(datagram, () => near.send(datagram, this.#client!.port, this.#client!.address));
    });
  }

  /** @param device its UDP port on this host */
  static async open(host: string, port: number, device: number, network: Network): Promise<DatagramRelay> {
    const [near, far] = [createSocket("udp4"), createSocket("udp4")];
    near.bind(port, host);
    far.connect(device, "127.0.0.1");
    await Promise.all([once(near, "listening"), once(far, "connect")]);
    return new DatagramRelay(near, far, network);
  }

  async close(): Promise<void> {
    for (const socket of [this.#near, this.#far]) {
      socket.removeAllListeners("message");
      socket.close();
      await once(socket, "close");
    }
  }

  #pass(datagram: Uint8Array, hand: () => void): void {
    const { lostPercent, roundTripMs } = this.#network;
    if (datagram.length > MAX_DATAGRAM_BYTES || this.#random() * 100 < lostPercent) return;
    if (roundTripMs === 0) hand();
    else setTimeout(() => this.#isOpen() && hand(), roundTripMs / 2);
  }

  #isOpen(): boolean {
    return this.#near.listenerCount("message") > 0;
  }

  #note(datagram: Uint8Array): void {
    const { group, id, body } = decodeMessage(datagram);
    if (group !== image.upload.group || id !== image.upload.id) return;
    this.uploads.requests++;
    this.uploads.imageBytes += (body["data"] as Uint8Array | undefined)?.length ?? 0;
  }
}
