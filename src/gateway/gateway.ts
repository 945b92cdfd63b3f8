/**
 * The gateway's half of devices behind messages: plays request frames from afar to the devices of a pool.
 *
 *   request frame ─► header, allow-list ─► the device's turn (a lease) ─► its session: own sequence number ─► answer frame
 */
import { formatMs, raceAbort } from "../clock";
import { SmpError } from "../errors";
import { frameRequest } from "../session/frame-request";
import type { SessionPool, SmpSession } from "../session/types";
import type { Command } from "../smp/command";
import { AllowList } from "./allow-list";
import { RemoteDevice, type RemoteRequest } from "./remote-device";
import { StallWatch } from "./stall-watch";

/** A device that the steering side may reach. */
export interface ServedDevice {
  /** As the messages call it. */
  readonly name: string;
  /** As the pool takes it; the name when absent. */
  readonly address?: string | undefined;
}

/** What is absent has the default. */
export interface GatewayOptions {
  /** The devices that it serves; any that the pool takes when absent. */
  readonly devices?: readonly ServedDevice[] | undefined;
  readonly allow?: AllowList | undefined;
  /** How long a device is kept for the steering side after its last request, 5 s. */
  readonly leaseMs?: number | undefined;
  /** How long a request waits for other work on the device to end, or for the link to open, 40 s. */
  readonly waitMs?: number | undefined;
  /** Called when a request from afar has opened a session or found one open. */
  readonly onOpen?: ((device: string, session: SmpSession) => void) | undefined;
}

/** A request frame, and the device that it is for. */
export interface PlayRequest extends RemoteRequest {
  readonly device: string;
}

/** Devices that it knows the requests of. */
const REMEMBERED_DEVICES = 256;

/** Plays requests to the devices of a pool; each device is leased to the steering side while that sends. */
export class Gateway {
  readonly #pool: SessionPool;
  readonly #options: GatewayOptions;
  readonly #allow: AllowList;
  readonly #devices = new Map<string, RemoteDevice>();
  readonly #stalls = new StallWatch();

  constructor(pool: SessionPool, options: GatewayOptions = {}) {
    this.#pool = pool;
    this.#options = options;
    this.#allow = options.allow ?? new AllowList();
  }

  /**
   * Plays a request and gives the frame that answers it, refusals by the device included.
   * @throws SMP_BAD_FRAME, SMP_NOT_ALLOWED, SMP_UNKNOWN_DEVICE, SMP_FRAME_TOO_LARGE before anything is sent; SMP_BUSY,
   *   SMP_QUEUE_FULL; what the pool throws when the device cannot be reached; SMP_TIMEOUT, SMP_LINK_LOST, SMP_BAD_FRAME when it
   *   does not answer; or the signal's reason
   */
  async play({ device, ...asked }: PlayRequest, signal?: AbortSignal): Promise<Uint8Array> {
    const request = frameRequest(asked.frame);
    if (!this.#allow.allows(request.row)) {
      throw new SmpError("SMP_NOT_ALLOWED", `${request.row.name} was not played to ${device}: it is not allowed here`, {
        device,
        group: request.row.group,
      });
    }
    this.#refuseStale(device, request.row);
    const work = this.#device(device).play(asked, request);
    return await (signal ? raceAbort(signal, work) : work);
  }

  /** @throws SMP_UNKNOWN_DEVICE when it is not served here */
  addressOf(device: string): string {
    const { devices } = this.#options;
    if (!devices) return device;
    const served = devices.find(({ name }) => name === device);
    if (served) return served.address ?? served.name;
    const names = devices.map(({ name }) => name).join(", ");
    throw new SmpError("SMP_UNKNOWN_DEVICE", `the gateway does not serve ${device}; it serves ${names || "none"}`, {
      device,
    });
  }

  /** Gives the devices back to the pool, which stays open. */
  close(): void {
    this.#stalls.close();
    for (const device of this.#devices.values()) device.close();
    this.#devices.clear();
  }

  /** A confirmation of before a standstill could make an image stay that the device has gone back from meanwhile. */
  #refuseStale(device: string, { name, op, group }: Command): void {
    const stalledMs = this.#stalls.recentMs;
    if (stalledMs === undefined || op === "read") return;
    const said = `${name} was not played to ${device}: the gateway stood still for ${formatMs(stalledMs)} and cannot tell how old the request is`;
    throw new SmpError("SMP_TIMEOUT", said, { device, group });
  }

  #device(name: string): RemoteDevice {
    const known = this.#devices.get(name);
    if (known) return known;
    const address = this.addressOf(name);
    this.#pool.key(address);
    if (this.#devices.size >= REMEMBERED_DEVICES) this.#forgetOldest();
    const { leaseMs = 5_000, waitMs = 40_000, onOpen } = this.#options;
    const device = new RemoteDevice({
      name,
      address,
      pool: this.#pool,
      leaseMs,
      waitMs,
      onOpen: (session) => onOpen?.(name, session),
    });
    this.#devices.set(name, device);
    return device;
  }

  #forgetOldest(): void {
    const [oldest] = this.#devices;
    oldest?.[1].close();
    this.#devices.delete(oldest![0]);
  }
}
