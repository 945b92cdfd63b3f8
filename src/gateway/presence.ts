/** Who is reachable: envelopes about a gateway and the devices behind it, for those who steer from afar. */
import { presenceEnvelope, type PresenceEnvelope } from "../framing/envelope";
import { REMOTE } from "./lease";
import type { DeviceStatus, SessionPool, SmpSession } from "../session/types";

/** A device that nobody has talked to yet is "known". */
export type DevicePresence = "known" | "open" | "reachable" | "unreachable";

/** Whose devices are watched, and who is told. */
export interface PresenceOptions {
  readonly gateway: string;
  readonly pool: SessionPool;
  /** Called with each change of a device, in what is told of it. */
  readonly onChange: (device: string, presence: PresenceEnvelope) => void;
}

interface Followed {
  readonly device: string;
  session?: SmpSession;
  told: PresenceEnvelope;
}

/** What a gateway tells of itself and of its devices, without asking them. */
export class Presence {
  readonly #options: PresenceOptions;
  /** By the pool's key. */
  readonly #followed = new Map<string, Followed>();
  readonly #unwatch: () => void;
  #closed = false;

  constructor(options: PresenceOptions) {
    this.#options = options;
    this.#unwatch = options.pool.watch((status) => this.#changed(status));
  }

  /** @param at when the gateway began to be so */
  ofGateway(state: "online" | "offline", at: Date): PresenceEnvelope {
    return presenceEnvelope({ gateway: this.#options.gateway, state, at: at.toISOString() });
  }

  /** All devices that are followed, as they are now. */
  ofDevices(): { device: string; presence: PresenceEnvelope }[] {
    return [...this.#followed.values()].map(({ device, told }) => ({ device, presence: told }));
  }

  /** Tells of a device from now on. @param session the one that is open with it, if that is known */
  follow(device: string, address: string, session?: SmpSession): void {
    const key = this.#options.pool.key(address);
    const followed = this.#followed.get(key) ?? { device, told: this.#envelope(device, "known") };
    if (!this.#followed.has(key)) this.#followed.set(key, followed);
    if (session) followed.session = session;
    const status = this.#options.pool.status().find((each) => each.key === key);
    if (status) this.#changed(status);
  }

  close(): void {
    this.#closed = true;
    this.#unwatch();
  }

  #changed(status: DeviceStatus): void {
    const followed = this.#followed.get(status.key);
    const state = stateOf(status);
    if (!followed || !state || this.#closed) return;
    if (state !== "open") delete followed.session;
    // A session that is opened for requests from afar follows at once.
    else if (!followed.session && status.running === REMOTE) return;
    this.#tell(followed, state, status);
  }

  #tell(followed: Followed, state: DevicePresence, { lastError }: DeviceStatus): void {
    const presence = this.#envelope(followed.device, state, {
      ...sessionFacts(followed.session),
      ...(state === "unreachable" && { message: lastError?.message }),
    });
    if (JSON.stringify(presence) === JSON.stringify(followed.told)) return;
    followed.told = presence;
    this.#options.onChange(followed.device, presence);
  }

  #envelope(device: string, state: DevicePresence, facts: object = {}): PresenceEnvelope {
    return presenceEnvelope({ gateway: this.#options.gateway, device, state, ...facts });
  }
}

/** Undefined while nothing new is known. */
function stateOf({ link, lastError, running }: DeviceStatus): DevicePresence | undefined {
  if (link === "open") return "open";
  if (link === "opening") return undefined;
  if (lastError) return "unreachable";
  return running === undefined ? "reachable" : undefined;
}

function sessionFacts(session: SmpSession | undefined): object {
  if (!session) return {};
  const { label, maxFrameBytes, maxInFlight, parameters, linkFacts } = session;
  return {
    link: label.split(":", 1)[0],
    maxFrameBytes,
    maxInFlight,
    ...parameters,
    ...(linkFacts && { facts: linkFacts }),
  };
}
