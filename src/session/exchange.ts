/**
 * The requests under way on one link, and the frames that answer them.
 *
 *   ask() ── frame ──► link.send        link.frames ──► answers a request under way? ── yes ──► ask() resolves
 *                                                       no: counted and dropped; garbled answer: ask() rejects
 *   the link ends ──► every ask() rejects with SMP_LINK_LOST at once
 */
import { hasCode, messageOf, SmpError } from "../errors";
import { after, breath, formatMs, nowMs, withDeadline } from "../clock";
import { decodeHeader, HEADER_BYTES, OP, withSequence, type ProtocolVersion } from "../smp/header";
import { decodeMessage, encodeMessage, type Message } from "../smp/message";
import { isAnswerTo } from "../smp/response";
import type { LinkTrace } from "../trace/link-trace";
import type { Link, Unanswerable } from "../transport/transport";
import { RoundTrip } from "./round-trip";
import { SequenceNumbers } from "./sequence";
import { Strays } from "./strays";
import type { Try } from "./try";
import type { SessionCounters } from "./types";

/** A link has 3 s to close; a pool whose links all hang must be closed within them too. */
const CLOSE_MS = 2_500;

/** A message, and the frame that it came in. */
export interface Answer extends Message {
  readonly frame: Uint8Array;
}

/** What is kept of a try when it is over, to tell whom a late answer was for. */
interface Past extends Pick<Try, "row" | "version" | "times"> {
  sentMs: number;
  isAnswered: boolean;
}

interface Pending {
  readonly request: Try;
  readonly past: Past;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (reason: SmpError) => void;
}

export interface ExchangeOptions {
  /** A try that had been given up was answered after all. */
  readonly onLateAnswer?: (version: ProtocolVersion) => void;
  readonly trace?: LinkTrace | undefined;
  /** Numbers that go on where an earlier session ended; of its own when absent. */
  readonly sequence?: SequenceNumbers | undefined;
}

export class Exchange {
  readonly counters: SessionCounters = { requests: 0, responses: 0, retries: 0, timeouts: 0, stale: 0, malformed: 0 };
  readonly ended: Promise<void>;
  readonly #link: Link;
  readonly #onLateAnswer: (version: ProtocolVersion) => void;
  readonly #trace: LinkTrace | undefined;
  readonly #sequence: SequenceNumbers;
  readonly #strays = new Strays(this.counters);
  readonly #roundTrip: RoundTrip;
  readonly #pending = new Map<number, Pending>();
  /** The last try that bore each number. */
  readonly #past = new Map<number, Past>();
  #endedBy: SmpError | undefined;
  #resolveEnded: () => void = () => {};
  #closing: Promise<void> | undefined;

  constructor(link: Link, { onLateAnswer = () => {}, trace, sequence }: ExchangeOptions = {}) {
    this.#link = link;
    this.#onLateAnswer = onLateAnswer;
    this.#trace = trace;
    this.#sequence = sequence ?? new SequenceNumbers();
    trace?.opened(link);
    this.#roundTrip = new RoundTrip(link.maxRoundTripMs ?? 0);
    this.ended = new Promise((resolve) => (this.#resolveEnded = resolve));
    link.watchUnanswerable?.((unanswerable) => this.#giveUp(unanswerable));
    void this.#receive();
  }

  get endedBy(): SmpError | undefined {
    return this.#endedBy;
  }

  /**
   * Sends one frame and gives the message that answers it, refusals included.
   * @throws SMP_FRAME_TOO_LARGE (nothing was sent), SMP_TIMEOUT, SMP_BAD_FRAME (a garbled answer), SMP_UNREACHABLE or SMP_LINK_LOST
   */
  async ask(request: Try): Promise<Answer> {
    if (this.#endedBy) throw this.#linkLost(request, this.#endedBy);
    const seq = this.#sequence.take();
    const { row, version, times } = request;
    const past: Past = { row, version, times, sentMs: nowMs(), isAnswered: false };
    try {
      const frame = this.#encode(request, seq);
      return await this.#await(request, past, seq, frame);
    } finally {
      this.#pending.delete(seq);
      this.#past.set(seq, past);
      this.#sequence.release(seq, past.isAnswered);
    }
  }

  /** Ends all that waits and closes the link; idempotent, settles within 2.5 s. */
  close(): Promise<void> {
    this.#end(new SmpError("SMP_LINK_LOST", `the session with ${this.#link.label} was closed`));
    return this.#closing!;
  }

  async #await(request: Try, past: Past, seq: number, frame: Uint8Array): Promise<Answer> {
    let fail: (reason: unknown) => void;
    const answer = new Promise<Answer>((resolve, reject) => {
      fail = reject;
      this.#pending.set(seq, { request, past, resolve, reject });
    });
    const { maxSendMs } = this.#link;
    if (maxSendMs !== undefined) await this.#handOn(frame, request, maxSendMs, answer);
    const sending = new AbortController();
    const timeoutMs = this.#timeoutMs(request);
    past.sentMs = nowMs();
    const cancel = after(timeoutMs, () => {
      const error = this.#expired(request, seq, frame, timeoutMs);
      fail(error);
      sending.abort(error);
    });
    try {
      if (maxSendMs === undefined) this.#send(frame, request, sending.signal).catch(fail!);
      const message = await answer;
      this.#roundTrip.answered(nowMs() - past.sentMs);
      return message;
    } finally {
      cancel();
    }
  }

  /** Notes that a try's time is up. */
  #expired(request: Try, seq: number, { length }: Uint8Array, timeoutMs: number): SmpError {
    this.counters.timeouts++;
    this.#roundTrip.expired();
    const what = `the answer to ${request.row.name} from ${this.#link.label} (frame of ${length} bytes, ${ordinalOf(request)})`;
    const drops = this.#link.describeDrops?.() ?? "";
    const besides = drops === "" ? "" : `; besides frames the link has brought ${drops}`;
    const message = `${what} did not come within ${formatMs(timeoutMs)}${this.#strays.describe()}${besides}`;
    this.#trace?.unanswered(seq, message);
    return new SmpError("SMP_TIMEOUT", message, { timeoutMs, frameLength: length });
  }

  #encode({ row, body, version, maxFrameBytes, frame: given }: Try, seq: number): Uint8Array {
    const op = row.op === "read" ? OP.READ : OP.WRITE;
    const frame = given
      ? withSequence(given, seq)
      : encodeMessage({ op, version, group: row.group, id: row.id, seq, body });
    if (frame.length <= maxFrameBytes) return frame;
    throw new SmpError(
      "SMP_FRAME_TOO_LARGE",
      `${row.name} makes a frame of ${frame.length} bytes, but ${this.#link.label} takes at most ${maxFrameBytes}`,
      { frameLength: frame.length, limit: maxFrameBytes },
    );
  }

  /** Where a medium has to be waited for before it takes a frame. */
  async #handOn(frame: Uint8Array, request: Try, maxSendMs: number, answer: Promise<unknown>): Promise<void> {
    const what = `the turn of ${request.row.name} (${ordinalOf(request)}) to be sent over ${this.#link.label}`;
    await withDeadline(what, maxSendMs, request.signal, async (inner) => {
      await Promise.race([this.#send(frame, request, inner), answer]);
    });
  }

  #timeoutMs(request: Try): number {
    return request.timeoutMs + this.#roundTrip.allowanceMs;
  }

  async #send(frame: Uint8Array, request: Try, signal: AbortSignal): Promise<void> {
    const { row } = request;
    const attempt = request.earlierAttempts + request.attempt;
    const timeoutMs = this.#timeoutMs(request);
    const onLeave = (): void => this.#trace?.sent(frame, attempt);
    if (this.#link.maxSendMs === undefined) onLeave();
    try {
      await this.#link.send(frame, signal, { command: row.name, attempt, timeoutMs, onLeave });
    } catch (cause) {
      const lost = !(cause instanceof SmpError) || cause.code === "SMP_LINK_LOST";
      if (lost && !signal.aborted) this.#end(cause);
      throw cause;
    }
  }

  async #receive(): Promise<void> {
    try {
      for await (const frame of this.#link.frames) {
        const rest = breath();
        if (rest) await rest;
        this.#take(frame);
      }
      this.#end(new SmpError("SMP_LINK_LOST", `${this.#link.label} ended`));
    } catch (cause) {
      this.#end(cause);
    }
  }

  #take(frame: Uint8Array): void {
    let message: Message;
    try {
      message = decodeMessage(frame);
      if (message.version > 1) throw new SmpError("SMP_BAD_FRAME", `SMP version bits ${message.version} are reserved`);
    } catch (fault) {
      return this.#takeMalformed(frame, fault);
    }
    const pending = this.#findPending(message);
    if (!pending) return this.#takeStale(frame, message);
    this.#trace?.received(frame, "answer", message.seq);
    for (const earlier of this.#pending.values()) {
      if (earlier === pending) break;
      earlier.request.onOvertaken?.();
    }
    this.#pending.delete(message.seq);
    this.counters.responses++;
    noteAnswer(pending.past);
    this.#strays.answered();
    pending.resolve({ ...message, frame });
  }

  #takeStale(frame: Uint8Array, message: Message): void {
    this.#strays.stale();
    const past = this.#past.get(message.seq);
    const isLate = past !== undefined && isAnswerTo(message, past.row, message.seq);
    this.#trace?.received(frame, isLate ? "late" : "stale", isLate ? message.seq : undefined);
    if (!isLate) return;
    noteAnswer(past);
    this.#onLateAnswer(past.version);
  }

  #takeMalformed(frame: Uint8Array, fault: unknown): void {
    this.#strays.malformed(frame, fault);
    const pending = frame.length < HEADER_BYTES ? undefined : this.#findPending({ ...decodeHeader(frame), body: {} });
    this.#trace?.received(frame, "malformed", pending && decodeHeader(frame).seq);
    const said = `the answer to ${pending?.request.row.name} from ${this.#link.label} is garbled: ${messageOf(fault)}`;
    pending?.reject(new SmpError("SMP_BAD_FRAME", said, { frameLength: frame.length, cause: fault }));
  }

  #findPending(message: Message): Pending | undefined {
    const pending = this.#pending.get(message.seq);
    return pending && isAnswerTo(message, pending.request.row, message.seq) ? pending : undefined;
  }

  #giveUp({ seq, error }: Unanswerable): void {
    this.#trace?.unanswered(seq, error.message);
    const hopeless = seq === undefined ? [...this.#pending.values()] : [this.#pending.get(seq)];
    for (const pending of hopeless) {
      const { message, hint, retryable, details } = error;
      const said = `${pending?.request.row.name} was not answered: ${message}`;
      pending?.reject(new SmpError(error.code, said, { ...details, hint, retryable, cause: error }));
    }
  }

  #end(cause: unknown): void {
    if (this.#endedBy) return;
    this.#endedBy = hasCode(cause, "SMP_LINK_LOST")
      ? cause
      : new SmpError("SMP_LINK_LOST", `${this.#link.label} failed: ${messageOf(cause)}`, { cause });
    this.#trace?.ended(this.#endedBy.message);
    for (const pending of this.#pending.values()) pending.reject(this.#linkLost(pending.request, this.#endedBy));
    this.#pending.clear();
    this.#closing = withDeadline("the close", CLOSE_MS, undefined, () => this.#link.close()).catch(() => {});
    this.#resolveEnded();
  }

  #linkLost({ row }: Try, cause: SmpError): SmpError {
    return new SmpError("SMP_LINK_LOST", `${row.name} was not answered: ${cause.message}`, { hint: cause.hint, cause });
  }
}

function ordinalOf({ attempt, attempts }: Try): string {
  return attempts > 1 ? `try ${attempt} of ${attempts}` : "sent once";
}

/** Measures the first answer to a try; more of them are copies. */
function noteAnswer(past: Past): void {
  if (!past.isAnswered) past.times.measured(nowMs() - past.sentMs);
  past.isAnswered = true;
}
