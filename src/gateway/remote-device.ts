import { nowMs, withDeadline } from "../clock";
import { hasCode, SmpError } from "../errors";
import type { FrameRequest } from "../session/frame-request";
import type { DeviceHandle, SessionPool, SmpSession } from "../session/types";
import type { Command } from "../smp/command";
import { os } from "../smp/commands";
import { Lease } from "./lease";
import { Patiences } from "./patience";
import { PlayedOnce } from "./played-once";

/** Requests of one device that wait or are under way; a steering side that waits for answers never comes near it. */
const MAX_UNDER_WAY = 64;

export interface RemoteDeviceOptions {
  readonly name: string;
  readonly address: string;
  readonly pool: SessionPool;
  readonly leaseMs: number;
  readonly waitMs: number;
  readonly onOpen: (session: SmpSession) => void;
}

/** A request from afar to a device. */
export interface RemoteRequest {
  /** The same for the same request only. */
  readonly id?: string | undefined;
  /** One whole SMP request. */
  readonly frame: Uint8Array;
  /** How long its sender still waits for the answer, if that is known; later it is not played any more. */
  readonly withinMs?: number | undefined;
}

/** A device at the gateway, as the requests from afar use it. */
export class RemoteDevice {
  readonly #options: RemoteDeviceOptions;
  readonly #lease: Lease;
  readonly #played = new PlayedOnce();
  readonly #patiences = new Patiences();
  readonly #known = new WeakSet<SmpSession>();

  constructor(options: RemoteDeviceOptions) {
    this.#options = options;
    this.#lease = new Lease(options);
  }

  /**
   * Plays a request, in the order of the calls, and gives its answer. One that is under way already is not played again;
   * neither is one that had been written before and comes once more, as brokers double messages.
   * @throws as `Gateway.play`
   */
  play({ id, frame, withinMs = Infinity }: RemoteRequest, { row }: FrameRequest): Promise<Uint8Array> {
    const key = `${id ?? ""} ${Buffer.from(frame).toString("latin1")}`;
    // Without an id, frames of a later time may look the same; only what must not happen twice is worth that risk.
    const isRemembered = row.op === "write" && (id !== undefined || !row.repeatable);
    return this.#played.once(key, isRemembered, () => this.#play(frame, row, nowMs() + withinMs));
  }

  close(): void {
    this.#lease.end();
  }

  async #play(frame: Uint8Array, row: Command, untilMs: number): Promise<Uint8Array> {
    const { name } = this.#options;
    if (this.#played.underWay >= MAX_UNDER_WAY) {
      const said = `${row.name} was not played: ${MAX_UNDER_WAY} requests to ${name} are under way, the most that a gateway takes`;
      throw new SmpError("SMP_QUEUE_FULL", said, { device: name, limit: MAX_UNDER_WAY });
    }
    const patience = this.#patiences.of(row, frame);
    return await this.#lease.use(async (device) => {
      const session = await this.#session(device);
      // A confirmation that nobody waits for any more could make an image stay that the device has gone back from meanwhile.
      if (nowMs() > untilMs) throw tooLate(name, row);
      try {
        const answer = await session.forward(frame, patience);
        // Nobody is to take the session for one with the device after its boot.
        if (row === os.reset) void device.drop();
        return answer;
      } catch (error) {
        if (isSick(error)) void session.close();
        throw error;
      }
    });
  }

  async #session(device: DeviceHandle): Promise<SmpSession> {
    const what = `the link to ${this.#options.name}`;
    // A request that has waited longer is given up by whoever sent it; it must not take effect then.
    const session = await withDeadline(what, this.#options.waitMs, undefined, (signal) => device.session(signal));
    if (!this.#known.has(session)) {
      this.#known.add(session);
      this.#options.onOpen(session);
    }
    return session;
  }
}

function tooLate(device: string, { name, group }: Command): SmpError {
  const said = `${name} was not played to ${device}: it got its turn when nobody waited for the answer any more`;
  return new SmpError("SMP_TIMEOUT", said, { device, group });
}

/** Silence or garbage: the next request has a better chance over a new link. */
function isSick(error: unknown): boolean {
  return hasCode(error, "SMP_TIMEOUT") || hasCode(error, "SMP_BAD_FRAME");
}
