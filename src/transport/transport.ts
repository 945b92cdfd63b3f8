/**
 * What a transport author implements: one function that opens, and what it returns is open. A link carries whole SMP
 * frames, lives once and is replaced, never reopened; it knows nothing of sequence numbers, CBOR or retries.
 */
import type { SmpError } from "../errors";

/** What a medium whose frames people see may tell of one. */
export interface FrameFacts {
  /** Name of the command's row, e.g. "image.upload". */
  readonly command: string;
  /** Which try of the same request it is, from 1. */
  readonly attempt: number;
  /** How long its answer is waited for from when it is handed on; a medium that holds it back for longer should drop it. */
  readonly timeoutMs: number;
  /** To be called when the frame leaves, by links that hold frames back until their turn ({@link Link.maxSendMs}). */
  readonly onLeave?: () => void;
}

/** The far end says that there will be no answer. */
export interface Unanswerable {
  /** Sequence number of the request; absent: of all that are under way. */
  readonly seq?: number;
  /** SMP_UNREACHABLE with the reason in the far end's words. */
  readonly error: SmpError;
}

/** An open way to one device, for whole frames. */
export interface Link {
  /** For messages, e.g. "virtual:sensor-1". */
  readonly label: string;
  /** Largest whole SMP frame that the link carries, header included, in bytes. */
  readonly maxFrameBytes: number;
  /**
   * Up to here a frame goes over the medium in one piece. A longer one comes in several, which not every server puts together
   * again. Absent where that is no question.
   */
  readonly wholeFrameBytes?: number;
  /**
   * Bytes of a server's buffer that the framing takes beside the frame, so that the largest frame is `buf_size` less
   * these: 4 on consoles, whose length and CRC are assembled in the same buffer. 0 when absent.
   */
  readonly bufferOverheadBytes?: number;
  /** Requests that may be under way at once; 1 on serial lines. */
  readonly maxInFlight: number;
  /**
   * What the medium takes for both ways at most, beside the device's own work. Deadlines allow for all of it until a round
   * trip was measured, and never for more. Absent where it is next to nothing.
   */
  readonly maxRoundTripMs?: number;
  /**
   * How long `send` may wait for its turn (limits of rate, acknowledgements). That wait has a deadline of its own. Absent: the
   * deadline of the answer holds for sending too.
   */
  readonly maxSendMs?: number;
  /**
   * Resolves once the frame is handed on. `frame` is not kept or changed.
   * @throws SMP_LINK_LOST when the peer is gone or the link is closed; the signal's reason on abort
   */
  send(frame: Uint8Array, signal: AbortSignal, facts?: FrameFacts): Promise<void>;
  /**
   * Frames as they arrive. Ends after `close()`; throws SMP_LINK_LOST when the peer goes away. One consumer only.
   * What the link cannot recognise as a frame is passed on as it is where the medium keeps boundaries.
   */
  readonly frames: AsyncIterable<Uint8Array>;
  /** Tells of requests that cannot be answered, of media whose far end says so; the link stays open. One listener only. */
  watchUnanswerable?(listener: (unanswerable: Unanswerable) => void): void;
  /** What was negotiated, for people: plain data, units in the names. */
  readonly facts?: object;
  /** What came besides frames, e.g. "812 bytes of other text", for the message when no answer comes; "" for nothing. */
  describeDrops?(): string;
  /** Idempotent, never throws, settles within 3 s. */
  close(): Promise<void>;
}

/** A device as far as it can be known without a link to it. */
export interface FoundDevice {
  /** What the transport takes as its address. */
  readonly device: string;
  /** Where it is now: its Bluetooth address, the path of its port, the name of a virtual device. */
  readonly address: string;
  /** As the device or the system calls it. */
  readonly name?: string;
  /** How strong its signal is here, in dBm; of radio links. */
  readonly rssi?: number;
  /** Whether it says that it speaks SMP; absent where nobody can say. */
  readonly smp?: boolean;
}

/** A kind of link: reads addresses, opens links, and perhaps looks for devices. */
export interface Transport<Address> {
  /** "virtual", "ble", "serial", "udp", "flow". */
  readonly scheme: string;
  /**
   * Checks an address from a message or a form.
   * @throws SMP_BAD_INPUT or SMP_UNKNOWN_DEVICE naming what is wrong
   */
  parse(address: unknown): Address;
  /** Two addresses with the same key are the same device and share a session. */
  key(address: Address): string;
  /** @throws SMP_LINK_OPEN saying why and what to do; the signal's reason on abort */
  open(address: Address, signal: AbortSignal): Promise<Link>;
  /**
   * Tells each device when it is seen, and again with news of it. Resolves when there is no more to tell, or soon after the
   * signal aborts. Absent where devices cannot be looked for.
   * @throws SMP_LINK_OPEN saying why nobody can look, e.g. what is wrong with the adapter
   */
  discover?(signal: AbortSignal, onSeen: (found: FoundDevice) => void): Promise<void>;
}
