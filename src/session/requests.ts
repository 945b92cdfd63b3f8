import { throwIfAborted } from "../clock";
import { DeviceError, SmpError } from "../errors";
import type { Command } from "../smp/command";
import type { CborMap } from "../smp/message";
import { parseResponse } from "../smp/response";
import type { Body, Shape } from "../smp/shape";
import type { LinkTrace } from "../trace/link-trace";
import type { Link } from "../transport/transport";
import { Dialect, type ProtocolChoice } from "./dialect";
import { Exchange, type Try } from "./exchange";
import type { RequestOptions } from "./types";

const ATTEMPTS = 3;

export interface SessionOptions {
  /** Protocol version; "auto" (the default) finds it out. */
  readonly protocol?: ProtocolChoice | undefined;
  /** Tries of a repeatable command, 3 by default. */
  readonly attempts?: number | undefined;
  /** Makes the trace of a link, by its label. */
  readonly trace?: ((link: string) => LinkTrace) | undefined;
}

/** Requests over an exchange: repeated where that does no harm, in the version that the server understands. */
export class Requests {
  readonly exchange: Exchange;
  readonly #dialect: Dialect;
  readonly #attempts: number;

  constructor(link: Link, options: SessionOptions) {
    this.#dialect = new Dialect(options.protocol ?? "auto");
    this.#attempts = options.attempts ?? ATTEMPTS;
    this.exchange = new Exchange(link, (version) => this.#dialect.heard(version), options.trace?.(link.label));
  }

  /**
   * As `SmpSession.request`, for frames up to `maxFrameBytes`. The signal keeps it from sending; what was sent is waited
   * for all the same, as the device works on it.
   */
  async request<Req extends Shape, Res extends Shape>(
    row: Command<Req, Res>,
    body: Body<Req>,
    maxFrameBytes: number,
    options: RequestOptions = {},
  ): Promise<Body<Res>> {
    this.exchange.counters.requests++;
    const attempts = row.repeatable ? (options.attempts ?? this.#attempts) : 1;
    for (let attempt = 1; ; attempt++) {
      try {
        const request = { row, body, maxFrameBytes, attempt, attempts, ...timesOf(row, options) };
        return await this.#once(row, request, options.signal);
      } catch (error) {
        const again = attempt < attempts && mayPass(error, options.signal);
        if (!again) throw error;
        this.exchange.counters.retries++;
      }
    }
  }

  async #once<Res extends Shape>(
    row: Command<Shape, Res>,
    request: Omit<Try, "version">,
    signal: AbortSignal | undefined,
  ): Promise<Body<Res>> {
    const { version } = this.#dialect;
    const answer = await this.#ask({ ...request, version }, signal);
    try {
      return parseResponse(row, answer);
    } catch (refusal) {
      const plain = refusal instanceof DeviceError && refusal.details.group === undefined;
      if (!plain || !this.#dialect.switchFor(refusal.details.rc, version)) throw refusal;
      return parseResponse(row, await this.#ask({ ...request, version: this.#dialect.version }, signal));
    }
  }

  async #ask(request: Try, signal: AbortSignal | undefined): Promise<CborMap> {
    throwIfAborted(signal);
    try {
      const answer = await this.exchange.ask(request);
      this.#dialect.heard(request.version);
      return answer.body;
    } catch (error) {
      if (isCode(error, "SMP_TIMEOUT")) this.#dialect.unheard();
      throw error;
    }
  }
}

function timesOf(row: Command, { timeoutMs = row.timeoutMs, attempt = 1 }: RequestOptions) {
  return { timeoutMs, earlierAttempts: attempt - 1 };
}

/** Whether the same request may do better when it is sent again at once; never against the caller's will. */
function mayPass(error: unknown, signal: AbortSignal | undefined): boolean {
  if (signal?.aborted) return false;
  return isCode(error, "SMP_TIMEOUT") || isCode(error, "SMP_BAD_FRAME");
}

function isCode(error: unknown, code: SmpError["code"]): error is SmpError {
  return error instanceof SmpError && error.code === code;
}
