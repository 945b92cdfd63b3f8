/**
 * A virtual device on a UDP port, as Zephyr's SMP UDP transport (subsys/mgmt/mcumgr/transport/src/smp_udp.c): answers
 * go to where the request came from, one datagram each; a device that is off or reboots is silence.
 */
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import { messageOf, SmpError } from "../errors";
import type { DeviceConnection } from "./connection";
import type { VirtualDevice } from "./device";

/** CONFIG_MCUMGR_TRANSPORT_UDP_MTU: a longer datagram is cut off, which the server answers with rc 9. */
const RECEIVE_BYTES = 1500;
/** Peers that are remembered; the one that wrote first is forgotten first. */
const MAX_PEERS = 64;

export interface UdpAddress {
  readonly host: string;
  readonly port: number;
}

export class UdpServer {
  readonly address: UdpAddress;
  readonly #socket: Socket;
  readonly #device: VirtualDevice;
  readonly #peers = new Map<string, DeviceConnection>();
  #isClosed = false;

  /** Serves a device on a bound socket; see {@link serveUdp}. */
  constructor(device: VirtualDevice, socket: Socket) {
    this.#device = device;
    this.#socket = socket;
    const { address, port } = socket.address();
    this.address = { host: address, port };
    socket.on("message", (packet, peer) => this.#connection(peer)?.send(packet.subarray(0, RECEIVE_BYTES)));
    // An answer that cannot be delivered (port unreachable) is lost, as on the wire.
    socket.on("error", () => undefined);
  }

  /** Idempotent; the device stays as it is. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const connection of this.#peers.values()) connection.close();
    this.#peers.clear();
    const closed = once(this.#socket, "close");
    this.#socket.close();
    await closed;
  }

  #connection(peer: RemoteInfo): DeviceConnection | undefined {
    const key = `${peer.address} ${peer.port}`;
    const known = this.#peers.get(key);
    if (known) return known;
    if (this.#device.state !== "application" && this.#device.state !== "recovery") return undefined;
    const connection = this.#device.connect({
      frame: (frame) => this.#send(frame, peer),
      lost: () => this.#peers.delete(key),
    });
    this.#peers.set(key, connection);
    this.#forgetOldest();
    return connection;
  }

  #send(frame: Uint8Array, peer: RemoteInfo): void {
    if (!this.#isClosed) this.#socket.send(frame, peer.port, peer.address, () => undefined);
  }

  #forgetOldest(): void {
    const [oldest] = this.#peers;
    if (this.#peers.size <= MAX_PEERS || !oldest) return;
    oldest[1].close();
    this.#peers.delete(oldest[0]);
  }
}

/**
 * Binds a port; 0 takes a free one, which `address` of the result tells.
 * @throws SMP_LINK_OPEN when the port cannot be bound
 */
export async function serveUdp(device: VirtualDevice, { host, port }: UdpAddress): Promise<UdpServer> {
  const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
  try {
    socket.bind(port, host);
    await once(socket, "listening");
  } catch (cause) {
    socket.close();
    throw new SmpError("SMP_LINK_OPEN", `cannot listen on UDP ${host} port ${port}: ${messageOf(cause)}`, {
      cause,
      hint: "Choose another port, or 0 for any that is free.",
    });
  }
  return new UdpServer(device, socket);
}
