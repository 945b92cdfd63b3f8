/** A serial line behind a terminal server: ser2net, a device server, socat, the virtual device. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { messageOf, SmpError } from "../../errors";
import { abortReason, throwIfAborted } from "../../clock";
import type { ByteListener, ByteStream } from "./byte-stream";

/** @throws SMP_LINK_OPEN saying why, or the signal's reason */
export async function openTcp(
  { label, host, port }: { readonly label: string; readonly host: string; readonly port: number },
  listener: ByteListener,
  signal: AbortSignal,
): Promise<ByteStream> {
  throwIfAborted(signal);
  const socket = connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 10_000 });
  try {
    await once(socket, "connect", { signal });
  } catch (cause) {
    socket.destroy();
    if (signal.aborted) throw abortReason(signal);
    throw explain(label, cause);
  }
  return new TcpStream(socket, listener);
}

class TcpStream implements ByteStream {
  readonly #socket: Socket;
  readonly #closed: Promise<void>;
  #isClosing = false;

  constructor(socket: Socket, listener: ByteListener) {
    this.#socket = socket;
    let fault: unknown = new Error("the terminal server closed the connection");
    this.#closed = new Promise((resolve) => {
      socket.once("close", () => {
        resolve();
        if (!this.#isClosing) listener.lost(fault);
      });
    });
    socket.on("error", (error) => (fault = error));
    socket.on("data", (bytes) => listener.data(bytes));
  }

  write(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.write(bytes, (error) => (error ? reject(error) : resolve()));
    });
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    this.#socket.destroy();
    await this.#closed;
  }
}

const HINTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "Start the terminal server, and check the port number; some take one client at a time.",
  ENOTFOUND: "Check the host name, or use an IP address.",
  EAI_AGAIN: "The name server does not answer: check the network, or use an IP address.",
  EHOSTUNREACH: "Check the network between here and the terminal server.",
  ENETUNREACH: "Check the network between here and the terminal server.",
  ETIMEDOUT: "Check the address, and that no firewall is between here and the terminal server.",
};

function explain(label: string, cause: unknown): SmpError {
  const code = codeOf(cause);
  const hint = code === undefined ? undefined : HINTS[code];
  return new SmpError("SMP_LINK_OPEN", `cannot connect to the terminal server ${label}: ${reasonOf(cause)}`, {
    cause,
    ...(hint !== undefined && { hint }),
  });
}

/** A host with several addresses fails with an error for each. */
function firstOf(cause: unknown): unknown {
  return cause instanceof AggregateError ? (cause.errors[0] as unknown) : cause;
}

function codeOf(cause: unknown): string | undefined {
  return (firstOf(cause) as NodeJS.ErrnoException | undefined)?.code;
}

function reasonOf(cause: unknown): string {
  return messageOf(firstOf(cause));
}
