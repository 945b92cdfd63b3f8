import { nowMs } from "../clock";
import { describeFrame } from "./described-frame";
import type { EventRecord, FrameRecord, TracedMatch } from "./record";
import type { TraceTap } from "./tap";

interface Sent {
  readonly n: number;
  readonly ms: number;
}

export interface SentFrame {
  readonly seq: number;
  /** Which try of its request, from 1, and how many there may be. */
  readonly attempt: number;
  readonly attempts: number;
}

/** What one link's exchange tells of its frames. */
export class LinkTrace {
  readonly #tap: TraceTap;
  readonly #device: string;
  readonly #link: string;
  /** The last request that bore each sequence number. */
  readonly #sent = new Map<number, Sent>();

  constructor(tap: TraceTap, device: string, link: string) {
    this.#tap = tap;
    this.#device = device;
    this.#link = link;
  }

  opened(link: { readonly maxFrameBytes: number; readonly facts?: object }): void {
    if (!this.#tap.isOn) return;
    this.#event("open", `the link is open: ${JSON.stringify({ maxFrameBytes: link.maxFrameBytes, ...link.facts })}`);
  }

  sent(frame: Uint8Array, { seq, attempt, attempts }: SentFrame): void {
    this.#sent.delete(seq);
    if (!this.#tap.isOn) return;
    const ms = nowMs();
    const n = this.#frame(frame, { dir: "out", try: attempt, tries: attempts });
    this.#sent.set(seq, { n, ms });
  }

  /** @param seq of the request that it answers, in time or late */
  received(frame: Uint8Array, match: TracedMatch, seq?: number): void {
    if (!this.#tap.isOn) return;
    const request = seq === undefined ? undefined : this.#sent.get(seq);
    const roundTripMs = request && Math.round((nowMs() - request.ms) * 1000) / 1000;
    const answers = request && { answers: request.n, roundTripMs: roundTripMs! };
    this.#frame(frame, { dir: "in", match, ...answers });
  }

  /** A try's time was up. */
  unanswered(seq: number, why: string): void {
    this.#event("no-answer", why, this.#sent.get(seq)?.n);
  }

  ended(why: string): void {
    this.#event("end", why);
  }

  #frame(frame: Uint8Array, about: Pick<FrameRecord, "dir" | "try" | "tries" | "match" | "answers" | "roundTripMs">) {
    const stamp = this.#stamp();
    return this.#tap.tell((n, frames): FrameRecord => {
      const { hex, ...described } = describeFrame(frame, frames);
      return { kind: "frame", n, ...stamp, ...about, ...described, hex };
    });
  }

  #event(event: EventRecord["event"], text: string, request?: number): void {
    if (!this.#tap.isOn) return;
    const stamp = this.#stamp();
    this.#tap.tell((n) => ({ kind: "event", n, ...stamp, event, text, ...(request !== undefined && { request }) }));
  }

  #stamp() {
    return {
      at: new Date().toISOString(),
      ms: Math.round(nowMs() * 1000) / 1000,
      device: this.#device,
      link: this.#link,
    };
  }
}
