/** One socket that is connected to one device: the kernel drops what others send, and reports what ICMP says. */
import { createSocket, type Socket } from "node:dgram";
import { throwIfAborted } from "../clock";
import { messageOf, SmpError } from "../errors";
import { framesOf } from "./datagram";
import { FrameQueue } from "./frame-queue";
import type { Link } from "./transport";
import type { IpAddress } from "./udp-resolve";

/** More than any server has buffers: their number decides. */
const MAX_IN_FLIGHT = 8;

export interface UdpPeer extends IpAddress {
  readonly port: number;
}

/** @throws what the system says, e.g. ENETUNREACH */
export async function connectSocket({ address, family, port }: UdpPeer): Promise<Socket> {
  const socket = createSocket(family === 6 ? "udp6" : "udp4");
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once("error", reject);
      // The types know nothing of the error.
      socket.connect(port, address, (error?: Error) => (error ? reject(error) : resolve()));
    });
    socket.removeAllListeners("error");
    return socket;
  } catch (error) {
    socket.close();
    throw error;
  }
}

export class UdpLink implements Link {
  readonly label: string;
  readonly maxFrameBytes: number;
  readonly maxInFlight = MAX_IN_FLIGHT;
  readonly frames = new FrameQueue();
  readonly #socket: Socket;
  readonly #closed: Promise<void>;
  #over: SmpError | undefined;

  /** @param socket connected; belongs to the link from now on */
  constructor(label: string, socket: Socket, maxFrameBytes: number) {
    this.label = label;
    this.maxFrameBytes = maxFrameBytes;
    this.#socket = socket;
    this.#closed = new Promise((resolve) => socket.once("close", resolve));
    socket.on("message", (datagram) => framesOf(datagram).forEach((frame) => this.frames.push(frame)));
    socket.on("error", (cause) => this.#lose(cause));
  }

  async send(frame: Uint8Array, signal: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    if (this.#over) throw this.#over;
    // The system takes it at once, or never.
    await this.#hand(frame);
  }

  async close(): Promise<void> {
    if (!this.#over) {
      this.#end(new SmpError("SMP_LINK_LOST", `${this.label} is closed`));
      this.frames.end();
    }
    await this.#closed;
  }

  #hand(frame: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.send(frame, (cause) => (cause ? reject(this.#lose(cause)) : resolve()));
    });
  }

  #lose(cause: Error): SmpError {
    if (this.#over) return this.#over;
    const { what, hint } = explainSocketError(cause);
    const lost = new SmpError("SMP_LINK_LOST", `${this.label} was lost: ${what}`, { hint, cause });
    this.#end(lost);
    this.frames.fail(lost);
    return lost;
  }

  #end(reason: SmpError): void {
    this.#over = reason;
    this.#socket.close();
  }
}

const NO_ROUTE = {
  what: "this host has no route to it",
  hint: "Check the network of the host of Node-RED; an IPv6 address needs IPv6 there too.",
};
const NOT_ALLOWED = {
  what: "this host does not let datagrams out to it",
  hint: "Check the firewall of the host of Node-RED, and that the address is one device's.",
};

const SOCKET_ERRORS: Readonly<Record<string, { readonly what: string; readonly hint: string }>> = {
  ECONNREFUSED: {
    what: "nobody listens on this port",
    hint: "Check the port (1337 is usual) and that the firmware has the UDP transport; a device that reboots is back soon.",
  },
  ENETUNREACH: NO_ROUTE,
  EHOSTUNREACH: NO_ROUTE,
  EADDRNOTAVAIL: NO_ROUTE,
  EACCES: NOT_ALLOWED,
  EPERM: NOT_ALLOWED,
};

/** What an error of a socket means for people. */
export function explainSocketError(cause: unknown): { what: string; hint: string } {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const known = SOCKET_ERRORS[code];
  if (known) return { what: `${known.what} (${code})`, hint: known.hint };
  return { what: messageOf(cause), hint: "Check the network of the host of Node-RED and of the device." };
}
