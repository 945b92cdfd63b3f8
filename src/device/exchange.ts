/** One packet from a client and what becomes of it, in the hands of faults. */
import { SmpError } from "../errors";
import type { Command } from "../smp/command";
import { findCommand } from "../smp/commands";
import { OP } from "../smp/header";
import { type CborMap, decodeMessage } from "../smp/message";
import { type HookAnswer, Refusal } from "./refusal";

/** What a fault may do to the device beyond one exchange. */
export interface FaultReach {
  reboot(reason: string): void;
  /** Serves a frame as if another client had sent it; nobody gets the answer. */
  inject(frame: Uint8Array): void;
}

export class Exchange {
  /** Counts the packets that reached the device since it was made, from 1. */
  readonly number: number;
  readonly packet: Uint8Array;
  /** The row that is asked for; undefined when the packet is no request of the command table. */
  readonly command: Command | undefined;
  /** The request's decoded body; empty when it is none. */
  readonly body: CborMap;
  readonly #reach: FaultReach;
  readonly #changes: ((frame: Uint8Array) => readonly Uint8Array[])[] = [];
  #isLost = false;
  #delayMs = 0;
  #refusal: Refusal | undefined;

  constructor(number: number, packet: Uint8Array, reach: FaultReach) {
    this.number = number;
    this.packet = packet;
    this.#reach = reach;
    const message = decode(packet);
    const op = message?.op === OP.READ ? "read" : "write";
    this.command = message && findCommand(op, message.group, message.id);
    this.body = message?.body ?? {};
  }

  get isLost(): boolean {
    return this.#isLost;
  }

  get delayMs(): number {
    return this.#delayMs;
  }

  get refusal(): Refusal | undefined {
    return this.#refusal;
  }

  /** The packet never arrives. */
  lose(): void {
    this.#isLost = true;
  }

  /** Holds the answer back, beyond the time that it takes. */
  delay(ms: number): void {
    this.#delayMs += ms;
  }

  /** The application refuses, whatever the handler would do. */
  refuse(answer: HookAnswer): void {
    this.#refusal = new Refusal(answer);
  }

  /** Replaces each answer by any number of frames. Of several changes the first that was asked for is made last. */
  changeAnswer(change: (frame: Uint8Array) => readonly Uint8Array[]): void {
    this.#changes.unshift(change);
  }

  /** The device reboots now; the packet is lost. */
  reboot(): void {
    this.lose();
    this.#reach.reboot("it crashed");
  }

  /** Another client's frame is served first. */
  inject(frame: Uint8Array): void {
    this.#reach.inject(frame);
  }

  /** What goes out for one of the device's answers. */
  answers(frame: Uint8Array): readonly Uint8Array[] {
    return this.#changes.reduce<readonly Uint8Array[]>((frames, change) => frames.flatMap(change), [frame]);
  }
}

function decode(packet: Uint8Array) {
  try {
    return decodeMessage(packet);
  } catch (error) {
    if (error instanceof SmpError) return undefined;
    throw error;
  }
}
