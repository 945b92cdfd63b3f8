import { sleep, throwIfAborted } from "../clock";
import { DeviceError, hasCode } from "../errors";
import type { Command } from "../smp/command";
import { withSequence } from "../smp/header";
import { isUnservedRefusal, parseResponse } from "../smp/response";
import type { Body, Shape } from "../smp/shape";
import type { LinkTrace } from "../trace/link-trace";
import type { Link } from "../transport/transport";
import type { AnswerTimes } from "./answer-times";
import { Dialect, type ProtocolChoice } from "./dialect";
import { Exchange, type Answer } from "./exchange";
import { frameRequest } from "./frame-request";
import type { Learnt } from "./learnt";
import type { Try } from "./try";
import type { RequestOptions } from "./types";

const ATTEMPTS = 5;
/** Before the second try of what a device did not serve; twice as long before the third. */
const UNSERVED_MS = 100;

export interface SessionOptions {
  /** Protocol version; "auto" (the default) finds it out. */
  readonly protocol?: ProtocolChoice | undefined;
  /** Tries of a repeatable command, 5 by default. */
  readonly attempts?: number | undefined;
  /** Makes the trace of a link, by its label. */
  readonly trace?: ((link: string) => LinkTrace) | undefined;
}

/** What all tries of a request have in common. */
type Asked = Pick<Try, "row" | "body" | "frame" | "maxFrameBytes"> & { readonly version?: Try["version"] };

interface QueuedOptions extends RequestOptions {
  /** As of the last try. */
  readonly onOvertaken?: () => void;
}

/** Requests over an exchange: repeated where that does no harm, in the version that the server understands. */
export class Requests {
  readonly exchange: Exchange;
  readonly #dialect: Dialect;
  readonly #attempts: number;
  readonly #learnt: Learnt;

  constructor(link: Link, options: SessionOptions, learnt: Learnt) {
    this.#learnt = learnt;
    this.#dialect = new Dialect(options.protocol ?? "auto");
    this.#attempts = options.attempts ?? ATTEMPTS;
    this.exchange = new Exchange(link, {
      onLateAnswer: (version) => this.#dialect.heard(version),
      trace: options.trace?.(link.label),
      sequence: learnt.sequence,
    });
  }

  /**
   * As `SmpSession.request`, for frames up to `maxFrameBytes`. The signal keeps it from sending; what was sent is waited
   * for all the same, as the device works on it.
   */
  request<Req extends Shape, Res extends Shape>(
    row: Command<Req, Res>,
    body: Body<Req>,
    maxFrameBytes: number,
    options: QueuedOptions = {},
  ): Promise<Body<Res>> {
    return this.#repeat({ row, body, maxFrameBytes }, options, (request) => this.#once(row, request));
  }

  /** As `SmpSession.forward`, for frames up to `maxFrameBytes`. */
  async forward(frame: Uint8Array, maxFrameBytes: number, options: QueuedOptions = {}): Promise<Uint8Array> {
    const { row, version, seq } = frameRequest(frame);
    const asked = { row, body: {}, frame, version, maxFrameBytes };
    const answer = await this.#repeat(asked, options, (request) => this.#ask(request));
    return withSequence(answer.frame, seq);
  }

  async #repeat<T>(asked: Asked, options: QueuedOptions, once: (request: Try) => Promise<T>): Promise<T> {
    const { row } = asked;
    this.exchange.counters.requests++;
    const attempts = row.repeatable ? (options.attempts ?? this.#attempts) : 1;
    const times = options.times ?? this.#learnt.times(row.name);
    for (let attempt = 1; ; attempt++) {
      try {
        return await once(this.#newTry(asked, options, { attempt, attempts, times }));
      } catch (error) {
        throwUnless(attempt < attempts && mayPass(error, options.signal), error);
        this.exchange.counters.retries++;
        if (isUnservedRefusal(error)) await sleep(UNSERVED_MS * attempt, options.signal);
      }
    }
  }

  #newTry(asked: Asked, options: QueuedOptions, counted: Pick<Try, "attempt" | "attempts" | "times">): Try {
    const { row, body, frame, maxFrameBytes, version = this.#dialect.version } = asked;
    const { attempt, attempts, times } = counted;
    return {
      row,
      body,
      frame,
      version,
      maxFrameBytes,
      attempt,
      attempts,
      times,
      earlierAttempts: (options.attempt ?? 1) - 1,
      timeoutMs: options.timeoutMs ?? deadlineMs(row, times, attempt, attempts),
      signal: options.signal,
      onOvertaken: attempt === attempts ? options.onOvertaken : undefined,
    };
  }

  async #once<Res extends Shape>(row: Command<Shape, Res>, request: Try): Promise<Body<Res>> {
    const { body: answer } = await this.#ask(request);
    try {
      return parseResponse(row, answer);
    } catch (refusal) {
      const plain = refusal instanceof DeviceError && refusal.details.group === undefined;
      if (!plain || !this.#dialect.switchFor(refusal.details.rc, request.version)) throw refusal;
      return parseResponse(row, (await this.#ask({ ...request, version: this.#dialect.version })).body);
    }
  }

  async #ask(request: Try): Promise<Answer> {
    throwIfAborted(request.signal);
    try {
      const answer = await this.exchange.ask(request);
      this.#dialect.heard(request.version);
      return answer;
    } catch (error) {
      if (hasCode(error, "SMP_TIMEOUT")) this.#dialect.unheard();
      throw error;
    }
  }
}

/** Measured times shorten it while there is another try, each twice as long as the one before. */
function deadlineMs(row: Command, times: AnswerTimes, attempt: number, attempts: number): number {
  if (attempt >= attempts) return times.patienceMs(row.timeoutMs);
  const shortMs = times.deadlineMs(row.timeoutMs);
  return Math.max(shortMs, Math.min(row.timeoutMs, shortMs * 2 ** (attempt - 1)));
}

/** Whether the same request may do better when it is sent again; never against the caller's will. */
function mayPass(error: unknown, signal: AbortSignal | undefined): boolean {
  if (signal?.aborted) return false;
  return hasCode(error, "SMP_TIMEOUT") || hasCode(error, "SMP_BAD_FRAME") || isUnservedRefusal(error);
}

function throwUnless(again: boolean, error: unknown): void {
  if (!again) throw error;
}
