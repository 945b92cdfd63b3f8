/**
 * The buffers and the work queue of an SMP server: a packet holds one buffer from its arrival until it is served, and
 * one more while an answer is built. Whatever finds no buffer is dropped without a word; requests are served one
 * after the other, first come first served.
 */
import { after } from "../clock";
import { type Pace, transferMs } from "./pace";
import type { Answer, PacketOptions, PacketServer } from "./server";

export interface Packet {
  readonly bytes: Uint8Array;
  readonly options: PacketOptions;
  /** Gets each answer when its time has come. */
  readonly deliver: (frame: Uint8Array) => void;
}

interface Work {
  readonly packet: Packet;
  readonly answers: Generator<Answer, undefined>;
}

export class RequestQueue {
  /** Packets that found no buffer. */
  dropped = 0;
  readonly #server: PacketServer;
  readonly #pace: Pace;
  readonly #waiting: Packet[] = [];
  #usedBuffers = 0;
  #answerBuffers = 0;
  #isBusy = false;
  #hasStopped = false;
  #cancel: (() => void) | undefined;

  constructor(server: PacketServer, pace: Pace) {
    this.#server = server;
    this.#pace = pace;
  }

  /** Takes a packet as the receiving driver does: what exceeds the buffer is cut off. */
  accept(packet: Packet): void {
    if (this.#hasStopped) return;
    if (this.#usedBuffers >= this.#server.bufCount) {
      this.dropped += 1;
      return;
    }
    this.#usedBuffers += 1;
    this.#waiting.push({ ...packet, bytes: packet.bytes.slice(0, this.#server.bufBytes) });
    if (!this.#isBusy) this.#next();
  }

  /** Ends for good, as power or a reboot does. */
  stop(): void {
    this.#cancel?.();
    this.#waiting.length = 0;
    this.#hasStopped = true;
  }

  #next(): void {
    const packet = this.#waiting.shift();
    this.#isBusy = packet !== undefined;
    if (!packet) return;
    const work: Work = { packet, answers: this.#server.answer(packet.bytes, this.#options(packet)) };
    this.#step(work, work.answers.next().value);
  }

  #options(packet: Packet): PacketOptions {
    return {
      ...packet.options,
      takeBuffer: () => {
        if (this.#usedBuffers >= this.#server.bufCount) return false;
        this.#usedBuffers += 1;
        this.#answerBuffers += 1;
        return true;
      },
    };
  }

  /** All buffers are free before the last answer leaves, so that a client may go on at once. */
  #step(work: Work, answer: Answer | undefined): void {
    if (!answer) {
      this.#usedBuffers -= 1;
      return this.#next();
    }
    this.#cancel = after(this.#answerMs(work.packet, answer), () => {
      this.#usedBuffers -= this.#answerBuffers;
      this.#answerBuffers = 0;
      const following = work.answers.next().value;
      if (!following) this.#usedBuffers -= 1;
      work.packet.deliver(answer.frame);
      if (this.#hasStopped) return;
      answer.afterAnswer();
      if (this.#hasStopped) return;
      if (following) this.#step(work, following);
      else this.#next();
    });
  }

  #answerMs(packet: Packet, answer: Answer): number {
    const { requestMs, linkBytesPerSecond } = this.#pace;
    return requestMs + answer.workMs + transferMs(packet.bytes.length + answer.frame.length, linkBytesPerSecond);
  }
}
