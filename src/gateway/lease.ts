import { after, formatMs, raceAbort, withDeadline } from "../clock";
import { SmpError } from "../errors";
import type { DeviceHandle, SessionPool } from "../session/types";

/** What the pool's status calls the requests from afar. */
export const REMOTE = "remote";

export interface LeaseOptions {
  readonly pool: SessionPool;
  /** As the pool takes it. */
  readonly address: string;
  /** How long the turn is kept after the last request. */
  readonly leaseMs: number;
  /** How long a request waits for the turn. */
  readonly waitMs: number;
}

/** The turn on a device, while it is waited for or held. */
interface Turn {
  readonly device: Promise<DeviceHandle>;
  /** Gives it back, or leaves the queue. */
  readonly end: (reason: SmpError) => void;
}

/**
 * One turn in the pool for many requests from afar: taken with the first, given back when none has come for a while. To the
 * nodes at the gateway it is an operation like any other.
 */
export class Lease {
  readonly #options: LeaseOptions;
  #turn: Turn | undefined;
  #users = 0;
  #cancelEnd: () => void = () => {};

  constructor(options: LeaseOptions) {
    this.#options = options;
  }

  /** @throws SMP_BUSY when the turn does not come in time, what the pool throws, and what `work` throws */
  async use<T>(work: (device: DeviceHandle) => Promise<T>): Promise<T> {
    this.#cancelEnd();
    this.#users++;
    try {
      return await work(await this.#device());
    } finally {
      this.#users--;
      if (this.#users === 0) this.#endLater();
    }
  }

  /** Gives the turn back now; requests under way on it fail. */
  end(): void {
    this.#cancelEnd();
    this.#turn?.end(new SmpError("SMP_CLOSED", "the gateway was closed"));
    this.#turn = undefined;
  }

  async #device(): Promise<DeviceHandle> {
    const { address, pool, waitMs } = this.#options;
    const turn = (this.#turn ??= this.#begin());
    let late: AbortSignal | undefined;
    try {
      return await withDeadline("the turn", waitMs, undefined, (deadline) => {
        late = deadline;
        return turn.device;
      });
    } catch (error) {
      if (!late?.aborted) throw error;
      const key = pool.key(address);
      const running = pool.status().find((status) => status.key === key)?.running ?? "another operation";
      throw new SmpError("SMP_BUSY", `${running} at the gateway has had ${key} for ${formatMs(waitMs)}`, {
        cause: error,
      });
    }
  }

  #begin(): Turn {
    const { pool, address } = this.#options;
    const over = new AbortController();
    const device = new Promise<DeviceHandle>((resolve, reject) => {
      const operation = { name: REMOTE, signal: over.signal };
      // Until it is given back, or the pool takes it away.
      const held = pool.use(address, operation, (handle) => {
        resolve(handle);
        return raceAbort(over.signal, new Promise<never>(() => {}));
      });
      held.catch((error: unknown) => {
        reject(error instanceof Error ? error : new SmpError("SMP_INTERNAL", String(error)));
        if (this.#turn === turn) this.#turn = undefined;
      });
    });
    // Who waits for it is told; when nobody does, there is nobody to tell.
    device.catch(() => {});
    const turn: Turn = { device, end: (reason) => over.abort(reason) };
    return turn;
  }

  #endLater(): void {
    const turn = this.#turn;
    if (!turn) return;
    this.#cancelEnd = after(
      this.#options.leaseMs,
      () => {
        if (this.#turn === turn) this.#turn = undefined;
        turn.end(new SmpError("SMP_ABORTED", "no request has come for a while"));
      },
      { background: true },
    );
  }
}
