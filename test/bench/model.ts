/**
 * Links as a model has them, and what they can carry at most, computed on paper. Sizes in bytes, times in milliseconds. What is
 * left out: errors, retransmissions, anything that the host takes.
 */
import { encodeConsole } from "../../src/framing/console-encoder";

/** What the device is beside its link. */
export interface Server {
  readonly bufSize: number;
  readonly bufCount: number;
  /** From a request's arrival to its answer, without flash. */
  readonly requestMs: number;
  /** Of flash; 0 for no limit. */
  readonly writeBytesPerSecond: number;
  readonly erasePageMs: number;
}

/** One way of a link: says when a frame that is handed over now will have arrived, or that it never will. */
export interface Way {
  arrivalMs(frameBytes: number, nowMs: number): number | undefined;
}

export interface Model {
  readonly name: string;
  readonly maxFrameBytes: number;
  readonly wholeFrameBytes?: number;
  readonly bufferOverheadBytes?: number;
  readonly maxInFlight: number;
  readonly ways: () => { readonly toDevice: Way; readonly toClient: Way };
  /** From sending one frame to its answer's arrival and the next sending, when the server takes `workMs` for it. */
  cycleMs(frameBytes: number, workMs: number): number;
  /** The medium is taken by one frame for so long, however many are under way. */
  occupiedMs(frameBytes: number): number;
}

/** Header, map, keys and numbers beside the image bytes of an upload request with an offset above 64 KiB. */
const REQUEST_BYTES = 26;
/** An answer with an offset above 64 KiB, as Zephyr writes it. */
const ANSWER_BYTES = 19;

/** Image bytes per second that link and server can reach with so many requests under way. */
export function limitBytesPerSecond(model: Model, server: Server): number {
  const overheadBytes = model.bufferOverheadBytes ?? 0;
  const frameBytes = Math.min(model.maxFrameBytes, server.bufSize - overheadBytes);
  const dataBytes = frameBytes - REQUEST_BYTES;
  const flashMs = server.writeBytesPerSecond === 0 ? 0 : (dataBytes * 1000) / server.writeBytesPerSecond;
  const workMs = server.requestMs + flashMs;
  const window = Math.max(1, Math.min(model.maxInFlight, server.bufCount - 1));
  const perFrameMs = Math.max(model.cycleMs(frameBytes, workMs) / window, model.occupiedMs(frameBytes), workMs);
  return (dataBytes * 1000) / perFrameMs;
}

/** A stream of bytes each way, as UDP over a network of one speed, or a line with `framedBytes` for each frame. */
interface StreamOptions {
  readonly name: string;
  readonly bytesPerSecond: number;
  /** Both ways together. */
  readonly latencyMs: number;
  readonly maxFrameBytes: number;
  readonly maxInFlight: number;
  readonly bufferOverheadBytes?: number;
  readonly framedBytes: (frameBytes: number) => number;
}

function streamModel(options: StreamOptions): Model {
  const { bytesPerSecond, latencyMs, framedBytes, ...facts } = options;
  const transferMs = (frameBytes: number): number => (framedBytes(frameBytes) * 1000) / bytesPerSecond;
  const way = (): Way => {
    let freeMs = 0;
    return {
      arrivalMs: (frameBytes, nowMs) => {
        freeMs = Math.max(freeMs, nowMs) + transferMs(frameBytes);
        return freeMs + latencyMs / 2;
      },
    };
  };
  return {
    ...facts,
    ways: () => ({ toDevice: way(), toClient: way() }),
    cycleMs: (frameBytes, workMs) => transferMs(frameBytes) + latencyMs + workMs + transferMs(ANSWER_BYTES),
    occupiedMs: transferMs,
  };
}

/** IPv4 and UDP headers. */
const UDP_BYTES = 28;

/** @param latencyMs both ways together */
export function udpModel(latencyMs: number): Model {
  return streamModel({
    name: `UDP, ${latencyMs} ms`,
    bytesPerSecond: 1_250_000,
    latencyMs,
    maxFrameBytes: 1_472,
    maxInFlight: 16,
    framedBytes: (bytes) => bytes + UDP_BYTES,
  });
}

/** Ten bits on the line for each byte; the largest console frame is the buffer less its length and CRC. */
export function serialModel(baud: number): Model {
  return streamModel({
    name: `serial console, ${baud} baud`,
    bytesPerSecond: baud / 10,
    latencyMs: 0,
    maxFrameBytes: 65_000,
    bufferOverheadBytes: 4,
    maxInFlight: 1,
    framedBytes: (bytes) => encodeConsole(new Uint8Array(bytes)).reduce((sum, line) => sum + line.length, 0),
  });
}

export interface BleOptions {
  readonly intervalMs: number;
  readonly mtu: number;
  /** Whether the server puts frames together that come in several writes. */
  readonly reassembly: boolean;
}

/** ATT and L2CAP headers. */
const ATT_BYTES = 3;
const L2CAP_BYTES = 4;
/** noble writes no more at once, but for the largest MTU. */
const LONGEST_WRITE = { usual: 244, atMtu498: 495 };
/** A full packet each way on the 1M PHY with and without data length extension, and what is left free of each event. */
const PACKET = { long: { bytes: 251, airMs: 2.468 }, short: { bytes: 27, airMs: 0.676 }, guardMs: 1 };
/** Typical of gateways. */
const PACKETS_PER_EVENT = 6;

/** Connection events every interval, in which some packets go each way; an answer waits for the event after the request's last. */
export function bleModel({ intervalMs, mtu, reassembly }: BleOptions): Model {
  const writeBytes = mtu >= 498 ? LONGEST_WRITE.atMtu498 : Math.min(mtu - ATT_BYTES, LONGEST_WRITE.usual);
  const packet = mtu >= 247 ? PACKET.long : PACKET.short;
  const perEvent = Math.min(PACKETS_PER_EVENT, Math.floor((intervalMs - PACKET.guardMs) / packet.airMs));
  const packetsOf = (frameBytes: number): number => {
    const lastBytes = frameBytes % writeBytes;
    const packets = (bytes: number): number => Math.ceil((bytes + ATT_BYTES + L2CAP_BYTES) / packet.bytes);
    return Math.floor(frameBytes / writeBytes) * packets(writeBytes) + (lastBytes > 0 ? packets(lastBytes) : 0);
  };
  const way = (): Way => {
    // In packets since the start: a queue that each event takes up to `perEvent` from.
    let next = { event: 0, used: 0 };
    return {
      arrivalMs: (frameBytes, nowMs) => {
        const soonest = Math.floor(nowMs / intervalMs + 1e-9) + 1;
        if (soonest > next.event) next = { event: soonest, used: 0 };
        let { event, used } = next;
        for (let left = packetsOf(frameBytes); left > 0; left--) {
          if (used === perEvent) {
            event++;
            used = 0;
          }
          used++;
        }
        next = { event, used };
        return event * intervalMs + used * packet.airMs;
      },
    };
  };
  return {
    name: `BLE, ${intervalMs} ms, MTU ${mtu}${reassembly ? ", reassembly" : ""}`,
    maxFrameBytes: reassembly ? 65_000 : mtu - ATT_BYTES,
    wholeFrameBytes: mtu - ATT_BYTES,
    maxInFlight: 16,
    ways: () => ({ toDevice: way(), toClient: way() }),
    cycleMs: (frameBytes, workMs) => {
      const packets = packetsOf(frameBytes);
      const events = Math.ceil(packets / perEvent);
      const lastMs = (packets - (events - 1) * perEvent) * packet.airMs;
      return (events + Math.ceil((lastMs + workMs) / intervalMs)) * intervalMs;
    },
    occupiedMs: (frameBytes) => (packetsOf(frameBytes) * intervalMs) / perEvent,
  };
}

/** The same link, but every so many frames one is lost, each way, by a lot that is the same each time. Its limit stays. */
export function lossy(model: Model, oneIn: number): Model {
  const way = (whole: Way, seed: number): Way => {
    let lot = seed;
    return {
      arrivalMs: (frameBytes, nowMs) => {
        // Park and Miller; what is lost takes its time on the medium too.
        lot = (lot * 48_271) % 2_147_483_647;
        const atMs = whole.arrivalMs(frameBytes, nowMs);
        return lot % oneIn === 0 ? undefined : atMs;
      },
    };
  };
  return {
    ...model,
    name: `${model.name}, 1 in ${oneIn} lost`,
    ways: () => {
      const { toDevice, toClient } = model.ways();
      return { toDevice: way(toDevice, 7), toClient: way(toClient, 77) };
    },
  };
}
