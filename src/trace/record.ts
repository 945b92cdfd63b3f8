/** What a trace holds. Plain data: it goes as it is into files (JSON, one record per line) and messages. */

export const TRACE_VERSION = 1;

/** The header of an SMP frame, as it stood on the wire. */
export interface TracedHeader {
  /** 0 read, 1 its answer, 2 write, 3 its answer. */
  readonly op: number;
  readonly version: number;
  readonly group: number;
  readonly id: number;
  readonly seq: number;
  /** Bytes of the body, as the sender says. */
  readonly bodyBytes: number;
}

interface Stamp {
  /** Counts the records of a pool from 1. */
  readonly n: number;
  /** Wall clock, ISO 8601 in UTC. */
  readonly at: string;
  /** Monotonic clock of the process, in milliseconds: differences hold even when the wall clock is set. */
  readonly ms: number;
  /** The pool's name for the device. */
  readonly device: string;
  /** E.g. "udp:192.168.1.20:1337". */
  readonly link: string;
}

/**
 * What became of a frame that came: "answer" to a request under way · "late" answer to a try that had been given up ·
 * "stale": to nobody, that is repeated, foreign or of an earlier session · "malformed": no SMP message.
 */
export type TracedMatch = "answer" | "late" | "stale" | "malformed";

/** One frame, sent or received. */
export interface FrameRecord extends Stamp {
  readonly kind: "frame";
  readonly dir: "out" | "in";
  /** Of the whole frame. */
  readonly bytes: number;
  /** Absent when the frame is shorter than a header. */
  readonly header?: TracedHeader;
  /** Row of the command table, e.g. "image.upload"; absent when there is none. */
  readonly command?: string;
  /**
   * The decoded body. Hashes are hex. Other byte strings are `{ bytes, sha256 }` (its first 16 digits), or `{ bytes }` where
   * they may be secrets, and hidden texts are `{ chars }`.
   */
  readonly body?: unknown;
  /** Why it is no SMP message. */
  readonly fault?: string;
  /** Of a frame that was sent: which try of its request, from 1. */
  readonly try?: number;
  /** Of a frame that came. */
  readonly match?: TracedMatch;
  /** `n` of the request that it answers, in time or late. */
  readonly answers?: number;
  readonly roundTripMs?: number;
  /** The frame in hex; "<n bytes>" stands for firmware and secrets, "…" for a rest, unless whole frames were asked for. */
  readonly hex: string;
}

/** What happened besides frames. */
export interface EventRecord extends Stamp {
  readonly kind: "event";
  /** "open" and "end" of a link, "no-answer" to a try within its time. */
  readonly event: "open" | "end" | "no-answer";
  readonly text: string;
  /** `n` of the request that was not answered. */
  readonly request?: number;
}

/** What a trace tells. */
export type TraceRecord = FrameRecord | EventRecord;

/** Takes the records of a pool as they arise. */
export interface TraceSink {
  /** "described": without firmware bytes and secrets; "whole": every frame in full, as replaying needs it. */
  readonly frames: "described" | "whole";
  /** Called in the midst of the exchange with the device: must return soon. What it throws becomes a warning of the process. */
  take(record: TraceRecord): void;
}

/** The first line of a trace file, and of each process that goes on with it: `ms` begins anew there. */
export interface TraceStart {
  readonly kind: "trace";
  /** {@link TRACE_VERSION} */
  readonly version: number;
  readonly at: string;
  readonly frames: TraceSink["frames"];
}

/** In place of records that came faster than they could be written. */
export interface LostRecords {
  readonly kind: "lost";
  readonly records: number;
}

/** What a line of a trace file holds. */
export type TraceLine = TraceRecord | TraceStart | LostRecords;
