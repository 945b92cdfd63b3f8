/** What the far end of a flow bears, as far as people know it. */

/** What carries the messages of a flow can and may take. */
export interface FlowSettings {
  /** Of a message's payload, in the form in which it leaves. */
  readonly maxMessageBytes: number;
  /** Of all devices together; undefined: as many as there are. */
  readonly messagesPerSecond: number | undefined;
  /** Requests under way at once, of each device. */
  readonly maxInFlight: number;
  /** Longest time from a message to its answer, beside the device's own work. */
  readonly maxRoundTripMs: number;
  /** Hold the next message back until the one before was acknowledged, answered or refused. */
  readonly waitForAck: boolean;
}

/** For a way of which nothing is known. */
export const FLOW_DEFAULTS: FlowSettings = {
  maxMessageBytes: 4096,
  messagesPerSecond: undefined,
  maxInFlight: 4,
  maxRoundTripMs: 30_000,
  waitForAck: false,
};
