/**
 * Faults for tests, stacked on a device that otherwise works: `device.faults.add(only(image.upload, nth(3, loseAnswer)))`.
 * The newest is nearest to the client: it sees a request first and its answer last.
 */
import type { Command } from "../smp/command";
import { image } from "../smp/commands";
import { decodeHeader, OP, withSequence } from "../smp/header";
import { encodeMessage } from "../smp/message";
import type { BootPlan } from "./boot-plan";
import { Exchange, type FaultReach } from "./exchange";
import type { HookAnswer } from "./refusal";

export type Fault = (exchange: Exchange) => void;
export type BootFault = (boot: BootPlan) => void;

export class Faults {
  readonly #faults = new FaultStack<Fault>();
  readonly #bootFaults = new FaultStack<BootFault>();
  #packets = 0;

  /** Adds a fault; the returned function takes it away. */
  add(fault: Fault): () => void {
    return this.#faults.add(fault);
  }

  /** Adds a fault of the boots to come; the returned function takes it away. */
  addBoot(fault: BootFault): () => void {
    return this.#bootFaults.add(fault);
  }

  clear(): void {
    this.#faults.clear();
    this.#bootFaults.clear();
  }

  /** What becomes of a packet; faults behind one that loses it do not see it. */
  meet(packet: Uint8Array, reach: FaultReach): Exchange {
    const exchange = new Exchange(++this.#packets, packet, reach);
    for (const fault of this.#faults.newestFirst()) {
      if (!exchange.isLost) fault(exchange);
    }
    return exchange;
  }

  meetBoot(boot: BootPlan): BootPlan {
    for (const fault of this.#bootFaults.newestFirst()) fault(boot);
    return boot;
  }
}

class FaultStack<T> {
  #entries: readonly { readonly fault: T }[] = [];

  add(fault: T): () => void {
    const entry = { fault };
    this.#entries = [entry, ...this.#entries];
    return () => (this.#entries = this.#entries.filter((other) => other !== entry));
  }

  clear(): void {
    this.#entries = [];
  }

  newestFirst(): T[] {
    return this.#entries.map(({ fault }) => fault);
  }
}

/** Only for requests of one row of the command table. */
export function only(row: Command, fault: Fault): Fault {
  return (exchange) => {
    if (exchange.command?.name === row.name) fault(exchange);
  };
}

/** Only for the n-th request that gets here, counted from 1. */
export function nth(n: number, fault: Fault): Fault {
  return between(n, n, fault);
}

/** From the n-th request on. */
export function fromNth(n: number, fault: Fault): Fault {
  return between(n, Number.POSITIVE_INFINITY, fault);
}

function between(first: number, last: number, fault: Fault): Fault {
  let seen = 0;
  return (exchange) => {
    seen += 1;
    if (seen >= first && seen <= last) fault(exchange);
  };
}

export const loseRequest: Fault = (exchange) => exchange.lose();

export const loseAnswer: Fault = (exchange) => exchange.changeAnswer(() => []);

export const duplicateAnswer: Fault = (exchange) => exchange.changeAnswer((frame) => [frame, frame]);

export function delayAnswer(ms: number): Fault {
  return (exchange) => exchange.delay(ms);
}

/** The answer carries the next sequence number instead of the request's. */
export const answerWrongSequence: Fault = (exchange) =>
  exchange.changeAnswer((frame) => [withSequence(frame, (decodeHeader(frame).seq + 1) & 0xff)]);

/** Something that is no SMP frame instead of the answer. */
export function answerGarbage(bytes: Uint8Array = Buffer.from("no SMP frame at all")): Fault {
  return (exchange) => exchange.changeAnswer(() => [bytes]);
}

/** Only the first bytes of the answer. */
export function truncateAnswer(bytes: number): Fault {
  return (exchange) => exchange.changeAnswer((frame) => [frame.subarray(0, bytes)]);
}

/** A refusal by the application's hook, e.g. `{ group: 64, rc: 256 }`. */
export function refuseWith(answer: HookAnswer): Fault {
  return (exchange) => exchange.refuse(answer);
}

/** The device reboots instead of serving the request. */
export const rebootInstead: Fault = (exchange) => exchange.reboot();

/** Another client begins an upload of its own before the request is served: the running one is gone. */
export function takeOverUpload(other: { lenBytes: number; chunkBytes: number }): Fault {
  return (exchange) => {
    const data = Buffer.alloc(other.chunkBytes);
    data.set([0x3d, 0xb8, 0xf3, 0x96]);
    const body = { len: other.lenBytes, off: 0, sha: Buffer.alloc(32, 0x5a), data };
    exchange.inject(encodeMessage({ ...image.upload, op: OP.WRITE, version: 1, seq: 0, body }));
  };
}

export const neverComeBack: BootFault = (boot) => boot.stayOff();

/** Only for the n-th boot from now on, counted from 1. */
export function nthBoot(n: number, fault: BootFault): BootFault {
  let seen = 0;
  return (boot) => {
    seen += 1;
    if (seen === n) fault(boot);
  };
}

/** The old image runs again and the new one is still pending. */
export const skipBootloader: BootFault = (boot) => boot.skipBootloader();

/** The old image runs again, the new one crashed at once and was reverted. */
export const crashAtStart: BootFault = (boot) => boot.crashAtStart();

export function cutPowerDuringBoot(afterSteps: number): BootFault {
  return (boot) => boot.cutPower(afterSteps);
}
