import { raceAbort } from "../clock";
import type { Command } from "../smp/command";
import type { Body, Shape } from "../smp/shape";
import type { Link } from "../transport/transport";
import { Learnt } from "./learnt";
import { DEFAULT_BUF_BYTES, readParameters, type Parameters } from "./parameters";
import { Requests, type SessionOptions } from "./requests";
import { TurnQueue } from "./turn-queue";
import type { RequestOptions, SessionCounters, SmpSession } from "./types";

/**
 * Makes a session of an open link: reads the device's parameters once, and so makes sure that it speaks SMP. The link
 * belongs to the session from now on and is closed with it, also when this fails.
 * @param learnt about the device, and added to
 * @throws SMP_TIMEOUT when nobody answers, SMP_UNREACHABLE when the far end says that nobody will, SMP_LINK_LOST, SMP_BAD_FRAME, or the signal's reason
 */
export async function openSession(
  link: Link,
  options: SessionOptions,
  signal: AbortSignal,
  learnt: Learnt = new Learnt(),
): Promise<SmpSession> {
  learnt.beginSession();
  const requests = new Requests(link, options, learnt);
  try {
    const parameters = await readParameters(link.label, signal, (row, attempts) =>
      raceAbort(signal, requests.request(row, {}, link.maxFrameBytes, { signal, attempts })),
    );
    return new Session(link, requests, parameters);
  } catch (error) {
    await requests.exchange.close();
    throw error;
  }
}

class Session implements SmpSession {
  readonly label: string;
  readonly maxFrameBytes: number;
  readonly wholeFrameBytes: number;
  readonly maxInFlight: number;
  readonly maxRoundTripMs: number;
  readonly linkFacts: object | undefined;
  readonly parameters: Parameters | undefined;
  readonly #requests: Requests;
  readonly #inFlight: TurnQueue<string>;

  constructor(link: Link, requests: Requests, parameters: Parameters | undefined) {
    this.label = link.label;
    this.linkFacts = link.facts;
    this.maxRoundTripMs = link.maxRoundTripMs ?? 0;
    this.parameters = parameters;
    this.wholeFrameBytes = link.wholeFrameBytes ?? Infinity;
    // A server that tells its buffer may put pieces together again; an upload finds out. Of another that is not expected.
    const serverBytes = parameters?.bufSize ?? Math.min(DEFAULT_BUF_BYTES, this.wholeFrameBytes);
    this.maxFrameBytes = Math.min(link.maxFrameBytes, serverBytes - (link.bufferOverheadBytes ?? 0));
    // The request that is being answered holds two of the server's buffers.
    this.maxInFlight = Math.max(1, Math.min(link.maxInFlight, (parameters?.bufCount ?? 1) - 1));
    this.#requests = requests;
    this.#inFlight = new TurnQueue(this.maxInFlight);
  }

  get counters(): Readonly<SessionCounters> {
    return this.#requests.exchange.counters;
  }

  get endedBy(): Error | undefined {
    return this.#requests.exchange.endedBy;
  }

  get ended(): Promise<void> {
    return this.#requests.exchange.ended;
  }

  request<Req extends Shape, Res extends Shape>(
    command: Command<Req, Res>,
    body: Body<Req>,
    options: RequestOptions = {},
  ): Promise<Body<Res>> {
    return this.#inTurn(command.name, options.signal, (onOvertaken) =>
      this.#requests.request(command, body, this.maxFrameBytes, { ...options, onOvertaken }),
    );
  }

  forward(frame: Uint8Array, options: RequestOptions = {}): Promise<Uint8Array> {
    return this.#inTurn("a frame", options.signal, (onOvertaken) =>
      this.#requests.forward(frame, this.maxFrameBytes, { ...options, onOvertaken }),
    );
  }

  async #inTurn<T>(
    name: string,
    signal: AbortSignal | undefined,
    begin: (leave: () => void) => Promise<T>,
  ): Promise<T> {
    // Those that wait here fail with the others when the link ends: each gets its place as one of them fails.
    const leave = await this.#inFlight.enter(name, signal);
    // Who gives up does not free the device's buffer: the request keeps its place until it, or a later one, is answered, or
    // it is overdue.
    const work = holding(leave, begin(leave));
    return await (signal ? raceAbort(signal, work) : work);
  }

  close(): Promise<void> {
    return this.#requests.exchange.close();
  }
}

async function holding<T>(leave: () => void, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } finally {
    leave();
  }
}
