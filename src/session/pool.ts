import { messageOf, SmpError } from "../errors";
import { formatMs } from "../clock";
import { LinkTrace } from "../trace/link-trace";
import type { TraceSink } from "../trace/record";
import { TraceTap } from "../trace/tap";
import type { Link, Transport } from "../transport/transport";
import { obtain } from "./obtain";
import { PooledDevice } from "./pooled-device";
import type { SessionOptions } from "./requests";
import { Room } from "./room";
import { tell } from "./tell";
import type { DeviceHandle, DeviceStatus, Operation, SessionPool } from "./types";

/** What is absent has the default. */
export interface PoolOptions {
  /** Sessions open at once, 8. */
  readonly maxSessions?: number | undefined;
  /** How long an unused session stays open, 30 s. */
  readonly idleCloseMs?: number | undefined;
  /** Operations that may wait for one device, 32. */
  readonly maxWaiting?: number | undefined;
  /** How long a link may take to open, 30 s. */
  readonly openTimeoutMs?: number | undefined;
  /** How long an operation waits until another device's session makes room, 10 min. */
  readonly roomTimeoutMs?: number | undefined;
  readonly session?: SessionOptions | undefined;
}

/** Timers take no more; "for ever" is then 24 days. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
/** Devices that the pool keeps in its status though nothing happens with them. */
const REMEMBERED_DEVICES = 256;

/** One session per device of a transport, shared by all who use the pool. */
export function createPool<Address>(transport: Transport<Address>, options: PoolOptions = {}): SessionPool {
  return new Pool(transport, options);
}

class Pool<Address> implements SessionPool {
  readonly #transport: Transport<Address>;
  readonly #options: PoolOptions;
  readonly #room: Room;
  readonly #devices = new Map<string, PooledDevice>();
  readonly #tap = new TraceTap();
  readonly #listeners = new Set<{ readonly listener: (status: DeviceStatus) => void }>();
  #closing: Promise<void> | undefined;

  constructor(transport: Transport<Address>, options: PoolOptions) {
    this.#transport = transport;
    this.#options = options;
    this.#room = new Room(options.maxSessions ?? 8, options.roomTimeoutMs ?? 600_000);
  }

  async use<T>(address: unknown, operation: Operation, work: (device: DeviceHandle) => Promise<T>): Promise<T> {
    this.#checkOpen(operation.name);
    const parsed = this.#transport.parse(address);
    const key = this.#transport.key(parsed);
    try {
      return await this.#device(key, parsed).use(operation, work);
    } catch (error) {
      // The reason of an abort belongs to the caller, who may use it for several devices.
      const own = error instanceof SmpError && operation.signal?.aborted !== true;
      throw own ? error.with({ device: key }) : error;
    }
  }

  key(address: unknown): string {
    return this.#transport.key(this.#transport.parse(address));
  }

  async disconnect(address: unknown): Promise<void> {
    this.#checkOpen("disconnect");
    const key = this.key(address);
    await this.#devices.get(key)?.stop(() => new SmpError("SMP_ABORTED", `${key} was disconnected on purpose`));
  }

  status(): readonly DeviceStatus[] {
    return Array.from(this.#devices.values(), (device) => device.status);
  }

  watch(listener: (status: DeviceStatus) => void): () => void {
    const entry = { listener };
    this.#listeners.add(entry);
    return () => this.#listeners.delete(entry);
  }

  trace(sink: TraceSink): () => void {
    return this.#tap.add(sink);
  }

  close(): Promise<void> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  async #closeAll(): Promise<void> {
    // `#closing` is set before anybody is told, so that nobody who is told can begin anew.
    await Promise.resolve();
    await Promise.all(Array.from(this.#devices.values(), (device) => device.stop(closedError)));
    this.#listeners.clear();
  }

  #checkOpen(doing: string): void {
    if (this.#closing) throw new SmpError("SMP_CLOSED", `${doing} was not begun: the session pool is closed`);
  }

  #device(key: string, address: Address): PooledDevice {
    const known = this.#devices.get(key);
    if (known) return known;
    this.#forgetUnused();
    const device = new PooledDevice({
      key,
      room: this.#room,
      idleCloseMs: Math.min(this.#options.idleCloseMs ?? 30_000, LONGEST_TIMER_MS),
      maxWaiting: this.#options.maxWaiting ?? 32,
      session: { ...this.#options.session, trace: (link) => new LinkTrace(this.#tap, key, link) },
      openLink: (signal) => this.#openLink(key, address, signal),
      onStatus: (status) => this.#listeners.forEach(({ listener }) => tell(listener, status)),
    });
    this.#devices.set(key, device);
    return device;
  }

  #forgetUnused(): void {
    if (this.#devices.size < REMEMBERED_DEVICES) return;
    const unused = Array.from(this.#devices).find(([, device]) => device.isUnused);
    if (unused) this.#devices.delete(unused[0]);
  }

  #openLink(key: string, address: Address, signal: AbortSignal): Promise<Link> {
    const withinMs = this.#options.openTimeoutMs ?? 30_000;
    return obtain(
      {
        what: `the link to ${key}`,
        withinMs,
        begin: (inner) => this.#openOrExplain(key, address, inner),
        giveBack: (link) => link.close(),
        tooLate: (cause) =>
          new SmpError("SMP_LINK_OPEN", `the link to ${key} did not open within ${formatMs(withinMs)}`, {
            timeoutMs: withinMs,
            cause,
          }),
      },
      signal,
    );
  }

  async #openOrExplain(key: string, address: Address, signal: AbortSignal): Promise<Link> {
    try {
      return await this.#transport.open(address, signal);
    } catch (cause) {
      if (cause instanceof SmpError) throw cause;
      throw new SmpError("SMP_LINK_OPEN", `the link to ${key} does not open: ${messageOf(cause)}`, { cause });
    }
  }
}

function closedError(): SmpError {
  return new SmpError("SMP_CLOSED", "the session pool was closed");
}
