import { nowMs } from "../clock";
import { decodeHeader } from "../smp/header";
import { describeFrame } from "./described-frame";
import type { EventRecord, FrameRecord, TracedMatch } from "./record";
import type { TraceTap } from "./tap";

interface Sent {
  readonly n: number;
  readonly ms: number;
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

  /** @param attempt which try of its request, from 1 */
  sent(frame: Uint8Array, attempt: number): void {
    if (!this.#tap.isOn) return this.#forget();
    const ms = nowMs();
    const n = this.#frame(frame, { dir: "out", try: attempt });
    this.#sent.set(decodeHeader(frame).seq, { n, ms });
  }

  /** @param seq of the request that it answers, in time or late */
  received(frame: Uint8Array, match: TracedMatch, seq?: number): void {
    if (!this.#tap.isOn) return;
    const request = seq === undefined ? undefined : this.#sent.get(seq);
    const roundTripMs = request && Math.round((nowMs() - request.ms) * 1000) / 1000;
    const answers = request && { answers: request.n, roundTripMs: roundTripMs! };
    this.#frame(frame, { dir: "in", match, ...answers });
  }

  /** A try's time was up, or the far end cannot be reached; without `seq` for all that are under way. */
  unanswered(seq: number | undefined, why: string): void {
    this.#event("no-answer", why, seq === undefined ? undefined : this.#sent.get(seq)?.n);
  }

  ended(why: string): void {
    this.#event("end", why);
  }

  /** Answers to what was not traced must not be taken for those to an earlier request. */
  #forget(): void {
    if (this.#sent.size > 0) this.#sent.clear();
  }

  #frame(frame: Uint8Array, about: Pick<FrameRecord, "dir" | "try" | "match" | "answers" | "roundTripMs">) {
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
