/** What the floors above see of sessions and the pool. */
import type { Command } from "../smp/command";
import type { Body, Shape } from "../smp/shape";
import type { AnswerTimes } from "./answer-times";
import type { Learnt } from "./learnt";
import type { TraceSink } from "../trace/record";

/** What is absent follows from the command and from what was learnt of the device. */
export interface RequestOptions {
  readonly signal?: AbortSignal | undefined;
  /**
   * Deadline of one try, sending and answering together; when absent the command's own, or what was measured. What a slow
   * medium may take for both ways comes on top.
   */
  readonly timeoutMs?: number | undefined;
  /** Where its time is measured; among those of the command when absent. */
  readonly times?: AnswerTimes | undefined;
  /** Tries of a repeatable command; others are sent once. */
  readonly attempts?: number | undefined;
  /** Which try the first of them is, where the caller itself tries again; 1 when absent. */
  readonly attempt?: number | undefined;
}

/** What happened on a session so far; strays are dropped, and counted here. */
export interface SessionCounters {
  requests: number;
  responses: number;
  retries: number;
  timeouts: number;
  /** Answers that nobody waits for: late, repeated, or to somebody else. */
  stale: number;
  /** Frames that are no SMP message. */
  malformed: number;
}

/** Talks SMP over one open link, and dies with it. */
export interface SmpSession {
  readonly label: string;
  /** Largest frame that link and device take, header included, in bytes. */
  readonly maxFrameBytes: number;
  /** Longer frames go in pieces and need a server that puts them together again; Infinity where the medium never cuts. */
  readonly wholeFrameBytes: number;
  /** Requests that may be under way at once: `buf_count - 1`, at least 1, and what the link allows. */
  readonly maxInFlight: number;
  /** As of the link, 0 where it says nothing: for who waits longer than one request takes. */
  readonly maxRoundTripMs: number;
  /** What the link negotiated, for people: over Bluetooth LE mtu, intervalMs, supervisionTimeoutMs … */
  readonly linkFacts: object | undefined;
  /** The device's parameters, or undefined when it does not tell. */
  readonly parameters: { readonly bufSize: number; readonly bufCount: number } | undefined;
  readonly counters: Readonly<SessionCounters>;
  /** Undefined while the session is usable, then why it ended. */
  readonly endedBy: Error | undefined;
  /** Settles (never rejects) when the session has ended, whatever the reason. */
  readonly ended: Promise<void>;
  /**
   * Sends one request and gives the checked answer.
   * @throws DeviceError (refused, session healthy), SMP_TIMEOUT, SMP_UNREACHABLE, SMP_LINK_LOST, SMP_BAD_FRAME, SMP_BAD_RESPONSE,
   * SMP_FRAME_TOO_LARGE, or the signal's reason
   */
  request<Req extends Shape, Res extends Shape>(
    command: Command<Req, Res>,
    body: Body<Req>,
    options?: RequestOptions,
  ): Promise<Body<Res>>;
  /**
   * Plays a request frame that was made elsewhere, and gives the frame that answers it, refusals included. Both pass as they
   * are; only the sequence number on the link is the session's own.
   * @throws SMP_BAD_FRAME (also when it is no whole request), and otherwise as `request`
   */
  forward(frame: Uint8Array, options?: RequestOptions): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** A device while an operation has its turn on it; nobody else is served meanwhile. */
export interface DeviceHandle {
  /** The pool's name for the device. */
  readonly key: string;
  /** From its sessions so far. */
  readonly learnt: Learnt;
  /** The live session; opened or opened anew when there is none. Callers ask for it each time they need it. */
  session(signal?: AbortSignal): Promise<SmpSession>;
  /** Closes the session, e.g. because the device reboots. */
  drop(): Promise<void>;
}

/** What somebody wants to do with a device. */
export interface Operation {
  /** For status and messages: "upload", "image state" … */
  readonly name: string;
  readonly signal?: AbortSignal | undefined;
  /** Refuse with SMP_BUSY, instead of waiting, while an operation of the same name runs or waits on the device. */
  readonly sole?: boolean;
  /** Called with the number of operations ahead when it has to wait, and with each change; 0 when it begins. */
  readonly onWaiting?: (ahead: number) => void;
}

/** How the link of a device stands. */
export type LinkState = "closed" | "opening" | "open";

/** How the pool stands with a device. */
export interface DeviceStatus {
  readonly key: string;
  readonly link: LinkState;
  /** Name of the running operation. */
  readonly running: string | undefined;
  /** Names of those that wait, first come first. */
  readonly waiting: readonly string[];
  /** Why the link closed last, when it was not on purpose. */
  readonly lastError: Error | undefined;
}

/** One session per device, shared by all who use the pool. */
export interface SessionPool {
  /**
   * Waits for the device's turn (first come, first served), runs `work`, and passes the turn on.
   * @param address as the pool's transport takes it
   * @throws SMP_BAD_INPUT, SMP_UNKNOWN_DEVICE, SMP_BUSY, SMP_QUEUE_FULL, SMP_POOL_FULL, SMP_CLOSED, and what `work` throws
   */
  use<T>(address: unknown, operation: Operation, work: (device: DeviceHandle) => Promise<T>): Promise<T>;
  /** The key under which the pool knows an address; throws as `use`. */
  key(address: unknown): string;
  /** Closes a device's session; the running operation and the waiting ones fail with SMP_ABORTED. */
  disconnect(address: unknown): Promise<void>;
  status(): readonly DeviceStatus[];
  /** Tells each change of a device's status; the returned function ends it. */
  watch(listener: (status: DeviceStatus) => void): () => void;
  /** Gives every frame of all devices to the sink; the returned function ends it. Costs nothing while nobody does. */
  trace(sink: TraceSink): () => void;
  /** Fails everything with SMP_CLOSED and closes all sessions within 3 s. Idempotent. */
  close(): Promise<void>;
}
