import { SmpError } from "../errors";
import { raceAbort, throwIfAborted } from "../clock";
import { DeviceSession, type DeviceSessionOptions } from "./device-session";
import { tell } from "./tell";
import { TurnQueue } from "./turn-queue";
import type { DeviceHandle, DeviceStatus, Operation } from "./types";

export interface PooledDeviceOptions extends Omit<DeviceSessionOptions, "onChange"> {
  readonly maxWaiting: number;
  readonly onStatus: (status: DeviceStatus) => void;
}

/** An operation in the queue or at work. */
interface Turn {
  readonly operation: Operation;
  /** Aborts when the operation may not go on: stopped, or over. */
  readonly revoked: AbortController;
  /** What `onWaiting` was told last. */
  told?: number;
}

/** A device of the pool: who works on it, who waits, and its session. */
export class PooledDevice {
  readonly #options: PooledDeviceOptions;
  readonly #turns: TurnQueue<Turn>;
  readonly #session: DeviceSession;

  constructor(options: PooledDeviceOptions) {
    this.#options = options;
    this.#turns = new TurnQueue(1, () => this.#queueChanged());
    this.#session = new DeviceSession({ ...options, onChange: () => this.#statusChanged() });
  }

  get status(): DeviceStatus {
    return {
      key: this.#options.key,
      link: this.#session.state,
      running: this.#turns.running[0]?.operation.name,
      waiting: this.#turns.waiting.map(({ operation }) => operation.name),
      lastError: this.#session.lastError,
    };
  }

  /** Whether nothing is lost when the pool forgets the device. */
  get isUnused(): boolean {
    return this.#session.state === "closed" && this.#turns.running.length === 0;
  }

  /** As `SessionPool.use`. */
  async use<T>(operation: Operation, work: (device: DeviceHandle) => Promise<T>): Promise<T> {
    this.#checkAdmission(operation);
    const turn: Turn = { operation, revoked: new AbortController() };
    const leave = await this.#turns.enter(turn, operation.signal);
    try {
      throwIfAborted(turn.revoked.signal);
      this.#session.use();
      return await raceAbort(turn.revoked.signal, work(this.#handle(turn)));
    } catch (error) {
      if (showsSickLink(error) && !turn.revoked.signal.aborted) await this.#session.drop();
      throw error;
    } finally {
      const over = this.#overError(operation);
      turn.revoked.abort(over);
      this.#session.rest(this.#turns.waiting.length === 0, over);
      leave();
    }
  }

  /** Fails who works and who waits with `reason`, and closes the session. */
  async stop(reason: () => SmpError): Promise<void> {
    this.#turns.failWaiting(reason);
    for (const turn of this.#turns.running) turn.revoked.abort(reason());
    await this.#session.stop(reason());
  }

  #checkAdmission({ name, sole }: Operation): void {
    const { key, maxWaiting } = this.#options;
    const { running, waiting } = this.#turns;
    const twin = sole === true && [...running, ...waiting].find(({ operation }) => operation.name === name);
    if (twin) {
      const doing = running.includes(twin) ? "is running" : "is waiting for its turn";
      throw new SmpError("SMP_BUSY", `${name} on ${key} was not begun: an earlier ${name} ${doing} there`, {
        device: key,
        phase: name,
      });
    }
    if (running.length > 0 && waiting.length >= maxWaiting) {
      const said = `${name} on ${key} was not begun: ${running[0]?.operation.name} is running and ${waiting.length} operations wait, the most that the pool allows`;
      throw new SmpError("SMP_QUEUE_FULL", said, { device: key, phase: name, limit: maxWaiting });
    }
  }

  #handle({ operation, revoked }: Turn): DeviceHandle {
    return {
      key: this.#options.key,
      session: async (signal = operation.signal) => {
        throwIfAborted(revoked.signal);
        return await this.#session.get(signal);
      },
      drop: async () => {
        if (!revoked.signal.aborted) await this.#session.drop();
      },
    };
  }

  #overError({ name }: Operation): SmpError {
    return new SmpError(
      "SMP_INTERNAL",
      `${name} on ${this.#options.key} has ended and may not use the device any more`,
    );
  }

  #queueChanged(): void {
    const { running, waiting } = this.#turns;
    for (const [ahead, turn] of [...running, ...waiting].entries()) {
      if (turn.told === ahead) continue;
      turn.told = ahead;
      tell(turn.operation.onWaiting, ahead);
    }
    this.#statusChanged();
  }

  #statusChanged(): void {
    this.#options.onStatus(this.status);
  }
}

/** After a refusal the session is as good as before; silence or garbage, also as the cause, needs a new link. */
function showsSickLink(error: unknown): boolean {
  const sick: readonly string[] = [
    "SMP_TIMEOUT",
    "SMP_UNREACHABLE",
    "SMP_BAD_FRAME",
    "SMP_BAD_RESPONSE",
    "SMP_LINK_LOST",
  ];
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if (at instanceof SmpError && sick.includes(at.code)) return true;
  }
  return false;
}
