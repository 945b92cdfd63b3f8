/** MQTT topics of frames and presence. Names are URL-encoded, so that a "/", "+" or "#" in one is no level or wildcard. */

const ROOT = "smp/v1";

/** MQTT topics, or names of whatever carries messages. */
export interface GatewayTopics {
  readonly request: string;
  readonly response: string;
  /** Retained; the broker's last will is the gateway's offline message. */
  readonly presence: string;
  /** Retained. */
  device(name: string): string;
}

/** The topics of a gateway. @param gateway its name; what MQTT does not take in a topic is percent-encoded */
export function gatewayTopics(gateway: string): GatewayTopics {
  const base = `${ROOT}/${encodeURIComponent(gateway)}`;
  return {
    request: `${base}/request`,
    response: `${base}/response`,
    presence: `${base}/presence`,
    device: (name) => `${base}/device/${encodeURIComponent(name)}/presence`,
  };
}
