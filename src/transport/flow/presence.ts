/** Who is there, as gateways tell it. */
import type { PresenceEnvelope } from "../../framing/envelope";

/** More than one steering side has; the oldest are forgotten. */
const REMEMBERED = 10_000;

const OFFLINE = "offline";

export class PresenceBoard {
  readonly #gateways = new Map<string, PresenceEnvelope>();
  readonly #devices = new Map<string, PresenceEnvelope>();

  note(presence: PresenceEnvelope): void {
    const { device, gateway } = presence;
    if (device === undefined) remember(this.#gateways, gateway, presence);
    else remember(this.#devices, device, presence);
  }

  device(name: string): PresenceEnvelope | undefined {
    return this.#devices.get(name);
  }

  /** The device's gateway, when that is known and has said (or the broker for it) that it is gone. */
  offlineGateway(device: string): PresenceEnvelope | undefined {
    const gateway = this.#devices.get(device)?.gateway;
    const presence = gateway === undefined ? undefined : this.#gateways.get(gateway);
    return presence?.state === OFFLINE ? presence : undefined;
  }

  /** Devices that gateways have told of, without those whose gateway is gone. */
  devices(): PresenceEnvelope[] {
    return [...this.#devices].filter(([name]) => !this.offlineGateway(name)).map(([, presence]) => presence);
  }
}

function remember(board: Map<string, PresenceEnvelope>, key: string, presence: PresenceEnvelope): void {
  board.delete(key);
  board.set(key, presence);
  const [oldest] = board.keys();
  if (oldest !== undefined && board.size > REMEMBERED) board.delete(oldest);
}
