/** A serial port of this machine. */
import { messageOf } from "../../errors";
import { raceAbort, throwIfAborted, withDeadline } from "../../clock";
import type { SerialSettings } from "./address";
import type { ByteListener, ByteStream } from "./byte-stream";
import type { SerialDriver } from "./driver";
import { openFailure } from "./open-failure";

type Port = InstanceType<SerialDriver["SerialPort"]>;
type Callback = (error?: Error | null) => void;

/** A link has 3 s to close; the system may wait for a peer that does not take what was sent (RTS/CTS). */
const CLOSE_MS = 2_400;

/** Ports of this process that are being released, by path: who opens one of them next waits, or would find it in use. */
const releasing = new Map<string, Promise<void>>();

/** @throws SMP_LINK_OPEN saying why, or the signal's reason */
export async function openPort(
  { SerialPort }: SerialDriver,
  { path, baudRate, flowControl }: { readonly path: string } & SerialSettings,
  listener: ByteListener,
  signal: AbortSignal,
): Promise<ByteStream> {
  await raceAbort(signal, releasing.get(path) ?? Promise.resolve());
  throwIfAborted(signal);
  const isSoft = flowControl === "xonxoff";
  const rtscts = flowControl === "rtscts";
  // hupcl off: closing must not reset the boards that take DTR for it.
  const port = new SerialPort({ path, baudRate, rtscts, xon: isSoft, xoff: isSoft, hupcl: false, autoOpen: false });
  const stream = new PortStream(port, listener);
  const opened = settled((done) => port.open(done));
  try {
    await raceAbort(signal, opened);
    return stream;
  } catch (cause) {
    if (!signal.aborted) throw openFailure(path, cause);
    await release(path, async () => {
      await inTime("the port to open", opened);
      await stream.close();
    });
    throw cause;
  }
}

class PortStream implements ByteStream {
  readonly #port: Port;
  #closing: Promise<void> | undefined;

  constructor(port: Port, listener: ByteListener) {
    this.#port = port;
    let fault: unknown;
    port.on("data", (bytes: Buffer) => listener.data(bytes));
    port.on("error", (error) => (fault = error));
    port.on("close", (error: unknown) => {
      if (!this.#closing) listener.lost(describeLoss(error ?? fault));
    });
  }

  /** Until the port has sent them: the pause between lines begins then. */
  async write(bytes: Uint8Array): Promise<void> {
    await settled((done) => this.#port.write(Buffer.from(bytes), done));
    await settled((done) => this.#port.drain(done));
  }

  close(): Promise<void> {
    this.#closing ??= release(this.#port.path, () => this.#close());
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#port.isOpen) await inTime("the port to close", this.#release());
  }

  /** What is not sent yet is dropped, or the system would wait for it. */
  async #release(): Promise<void> {
    await settled((done) => this.#port.flush(done)).catch(() => undefined);
    await settled((done) => this.#port.close(done));
  }
}

function release(path: string, work: () => Promise<void>): Promise<void> {
  const before = releasing.get(path);
  const released = work().finally(() => {
    if (releasing.get(path) === released) releasing.delete(path);
  });
  // The closing of a port that was given up while it opened is part of giving it up.
  if (!before) releasing.set(path, released);
  return released;
}

/** Waits for the end of `work`, whatever it is, but not for long. */
async function inTime(what: string, work: Promise<unknown>): Promise<void> {
  await withDeadline(what, CLOSE_MS, undefined, () => work).catch(() => undefined);
}

function describeLoss(cause: unknown): Error {
  return new Error(`the port is gone, as when a USB cable is pulled${cause ? ` (${messageOf(cause)})` : ""}`, {
    cause,
  });
}

function settled(work: (done: Callback) => unknown): Promise<void> {
  return new Promise((resolve, reject) => {
    work((error) => (error ? reject(error) : resolve()));
  });
}
