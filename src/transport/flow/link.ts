import { nowMs, throwIfAborted } from "../../clock";
import { SmpError } from "../../errors";
import { MessageFrames } from "../../framing/message-frames";
import { decodeHeader, OP } from "../../smp/header";
import { FrameQueue } from "../frame-queue";
import type { FrameFacts, Link, Unanswerable } from "../transport";
import type { FlowCounters } from "./counters";
import type { FlowSettings } from "./settings";

const ANSWERS = [OP.READ_RESPONSE, OP.WRITE_RESPONSE];
/** Many devices share one flow: their messages leave one after the other. */
const MAX_SEND_MS = 600_000;

/** What a link needs of its channel. */
export interface LinkChannel {
  readonly settings: FlowSettings;
  readonly counters: Readonly<FlowCounters>;
  /** @throws SMP_LINK_LOST when there is nobody to emit the message; the signal's reason */
  send(link: FlowLink, outgoing: LinkFrame, signal: AbortSignal, onLeave?: () => void): Promise<void>;
  closed(link: FlowLink, reason: SmpError): void;
}

export interface LinkFrame {
  readonly device: string;
  readonly seq: number;
  readonly attempt: number;
  readonly command: string;
  /** After this time nobody waits for the answer any more. */
  readonly timeoutMs: number;
  readonly frame: Uint8Array;
}

/** A device as it is reached through messages. Its being open says nothing of the device. */
export class FlowLink implements Link {
  readonly label: string;
  readonly device: string;
  readonly maxFrameBytes: number;
  readonly maxInFlight: number;
  readonly maxRoundTripMs: number;
  readonly maxSendMs = MAX_SEND_MS;
  readonly frames = new FrameQueue();
  readonly facts: object;
  readonly #channel: LinkChannel;
  readonly #assembly: MessageFrames;
  #tell: (unanswerable: Unanswerable) => void = () => {};
  #garbage = 0;
  #over: SmpError | undefined;

  constructor(channel: LinkChannel, device: string, maxFrameBytes: number, facts: object) {
    const { maxInFlight, maxRoundTripMs, maxMessageBytes } = channel.settings;
    this.label = `flow:${device}`;
    this.device = device;
    this.maxFrameBytes = maxFrameBytes;
    this.maxInFlight = maxInFlight;
    this.maxRoundTripMs = maxRoundTripMs;
    this.facts = {
      maxMessageBytes,
      maxRoundTripMs,
      ...facts,
      get counters() {
        return channel.counters;
      },
    };
    this.#channel = channel;
    this.#assembly = new MessageFrames({ ops: ANSWERS, staleMs: maxRoundTripMs });
  }

  get incomplete(): number {
    return this.#assembly.incomplete;
  }

  watchUnanswerable(listener: (unanswerable: Unanswerable) => void): void {
    this.#tell = listener;
  }

  async send(frame: Uint8Array, signal: AbortSignal, facts?: FrameFacts): Promise<void> {
    throwIfAborted(signal);
    if (this.#over) throw this.#over;
    const { attempt = 1, command = "", timeoutMs = this.maxRoundTripMs, onLeave } = facts ?? {};
    const { seq } = decodeHeader(frame);
    await this.#channel.send(
      this,
      { device: this.device, seq, attempt, command, timeoutMs, frame: Uint8Array.from(frame) },
      signal,
      onLeave,
    );
  }

  /** @returns the frames that the bytes complete, and what of them is none */
  take(id: string | undefined, bytes: Uint8Array): { frames: readonly Uint8Array[]; garbage?: Uint8Array } {
    const taken = this.#assembly.take(id ?? "", bytes, nowMs());
    // The session tells what came instead of an answer.
    if (taken.garbage) {
      this.#garbage++;
      this.frames.push(taken.garbage);
    }
    return taken;
  }

  giveUp(unanswerable: Unanswerable): void {
    this.#tell(unanswerable);
  }

  describeDrops(): string {
    const parts = [
      ...(this.incomplete > 0 ? [`parts of ${this.incomplete} frames whose rest did not come`] : []),
      ...(this.#garbage > 0 ? [`${this.#garbage} messages without a frame`] : []),
    ];
    return parts.join(", ");
  }

  async close(): Promise<void> {
    this.#end(new SmpError("SMP_LINK_LOST", `${this.label} is closed`));
    this.frames.end();
  }

  lose(why: string, hint?: string): void {
    if (this.#over) return;
    const lost = new SmpError("SMP_LINK_LOST", `${this.label} was lost: ${why}`, {
      ...(hint !== undefined && { hint }),
    });
    this.#end(lost);
    this.frames.fail(lost);
  }

  #end(reason: SmpError): void {
    if (this.#over) return;
    this.#over = reason;
    this.#channel.closed(this, reason);
  }
}
