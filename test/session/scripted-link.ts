import { SmpError } from "../../src/errors";
import { throwIfAborted } from "../../src/clock";
import { decodeMessage, encodeMessage, type CborMap, type Message } from "../../src/smp/message";
import { FrameQueue } from "../../src/transport/frame-queue";
import type { Link } from "../../src/transport/transport";

/** Gives the body that answers a request, or nothing: silence, or an answer by other means. */
export type Script = (request: Message, link: ScriptedLink) => CborMap | undefined | void;

/** A link in memory whose far end is a function. */
export class ScriptedLink implements Link {
  readonly label: string = "scripted:device";
  maxFrameBytes = 4096;
  maxInFlight = 16;
  readonly frames = new FrameQueue();
  /** What was sent, oldest first. */
  readonly requests: Message[] = [];
  closes = 0;
  script: Script;
  #over = false;

  constructor(script: Script = zephyr) {
    this.script = script;
  }

  async send(frame: Uint8Array, signal: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    if (this.#over) throw new SmpError("SMP_LINK_LOST", "scripted:device is closed");
    const request = decodeMessage(frame);
    this.requests.push(request);
    const body = this.script(request, this);
    if (body) this.answer(request, body);
  }

  /** Answers as a server does, but for `changes` to the header. */
  answer(request: Message, body: CborMap, changes: Partial<Message> = {}): void {
    this.inject(encodeMessage(answerTo(request, body, changes)));
  }

  inject(frame: Uint8Array): void {
    this.frames.push(frame);
  }

  lose(cause: unknown = new SmpError("SMP_LINK_LOST", "scripted:device lost its power")): void {
    this.#over = true;
    this.frames.fail(cause);
  }

  async close(): Promise<void> {
    this.closes++;
    this.#over = true;
    this.frames.end();
  }

  /** The last request of this row's name that was sent. */
  get last(): Message {
    const last = this.requests.at(-1);
    if (!last) throw new Error("nothing was sent");
    return last;
  }
}

function answerTo(request: Message, body: CborMap, changes: Partial<Message> = {}): Message {
  return { ...request, op: request.op + 1, version: Math.min(request.version, 1), body, ...changes };
}

export const isParameters = ({ group, id }: Message): boolean => group === 0 && id === 6;
export const isEcho = ({ group, id }: Message): boolean => group === 0 && id === 0;
const isReset = ({ group, id }: Message): boolean => group === 0 && id === 5;
export const isImageState = ({ group, id }: Message): boolean => group === 1 && id === 0;

/** A server with four buffers that knows parameters, echo and reset. */
export function zephyr(request: Message): CborMap {
  if (isParameters(request)) return { buf_size: 2475, buf_count: 4 };
  if (isEcho(request)) return { r: request.body["d"] };
  return isReset(request) ? {} : { rc: 8 };
}

/** The same, but another answers the requests after the parameters. */
export function afterParameters(script: Script): Script {
  return (request, link) => (isParameters(request) ? zephyr(request) : script(request, link));
}
