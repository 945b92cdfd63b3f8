/** What has happened at the two ends of a flow since the pool was deployed. */
export interface FlowCounters {
  /** Messages that left. */
  sent: number;
  /** Whole frames that arrived for a device in use. */
  received: number;
  acknowledged: number;
  /** Times that the far end said "cannot". */
  failures: number;
  /** Messages that told how a gateway or a device is. */
  presence: number;
  /** Answers that had come already, told by their id. */
  repeated: number;
  /** Answers to requests that are over. */
  late: number;
  /** Messages for devices that nobody works on. */
  unknownDevice: number;
  /** Messages that answer somebody else's request, or one of before a restart. */
  foreign: number;
  /** Messages that carry no frame of a device. */
  garbage: number;
  /** Frames of which only a part came. */
  incomplete: number;
  /** Messages that were not acknowledged in time. */
  unacknowledged: number;
}

export function newCounters(): FlowCounters {
  return {
    sent: 0,
    received: 0,
    acknowledged: 0,
    failures: 0,
    presence: 0,
    repeated: 0,
    late: 0,
    unknownDevice: 0,
    foreign: 0,
    garbage: 0,
    incomplete: 0,
    unacknowledged: 0,
  };
}
