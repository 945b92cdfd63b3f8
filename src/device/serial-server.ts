/**
 * A virtual device's serial line behind a TCP port, as a terminal server offers it; `socat pty,link=PATH,rawer tcp:HOST:PORT` makes
 * a serial port of it.
 */
import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { messageOf, SmpError } from "../errors";
import type { VirtualDevice } from "./device";
import { SerialLine, type SerialLineOptions } from "./serial-line";

export interface SerialServerOptions extends SerialLineOptions {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
}

export interface SerialServer {
  readonly address: { readonly host: string; readonly port: number };
  /** Idempotent; the device stays as it is. */
  close(): Promise<void>;
}

/** @throws SMP_LINK_OPEN when the port cannot be bound */
export async function serveSerial(device: VirtualDevice, options: SerialServerOptions): Promise<SerialServer> {
  const { host, port } = options;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    serve(socket, device, options);
  });
  try {
    server.listen(port, host);
    await once(server, "listening");
  } catch (cause) {
    throw new SmpError("SMP_LINK_OPEN", `cannot listen on TCP ${host} port ${port}: ${messageOf(cause)}`, {
      cause,
      hint: "Choose another port, or 0 for any that is free.",
    });
  }
  const bound = server.address() as AddressInfo;
  let closing: Promise<void> | undefined;
  return {
    address: { host: bound.address, port: bound.port },
    close: () => (closing ??= stop(server, sockets)),
  };
}

function serve(socket: Socket, device: VirtualDevice, options: SerialLineOptions): void {
  const line = new SerialLine(device, options, (bytes) => void socket.write(bytes));
  socket.setNoDelay();
  socket.on("data", (bytes) => line.take(bytes));
  socket.on("error", () => undefined);
  socket.on("close", () => line.close());
}

async function stop(server: Server, sockets: ReadonlySet<Socket>): Promise<void> {
  const closed = once(server, "close");
  server.close();
  sockets.forEach((socket) => socket.destroy());
  await closed;
}
