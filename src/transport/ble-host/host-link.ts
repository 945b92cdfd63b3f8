/** An open link as the host has it: whole frames in, pieces out. */
import { raceAbort } from "../../clock";
import { SmpError } from "../../errors";
import type { Adapter } from "./adapter";
import { answered } from "./answered";
import type { BleLinkFacts } from "./messages";
import type { Characteristic, Peripheral } from "./noble";

const WRITE_MS = 10_000;
const RESYNC_MS = 5_000;

export interface HostLinkParts {
  readonly adapter: Adapter;
  readonly peripheral: Peripheral;
  readonly characteristic: Characteristic;
  readonly facts: BleLinkFacts;
  /** Aborts with the link's loss. */
  readonly lost: AbortSignal;
}

export class HostLink {
  readonly facts: BleLinkFacts;
  readonly lost: AbortSignal;
  readonly #adapter: Adapter;
  readonly #peripheral: Peripheral;
  readonly #characteristic: Characteristic;
  /** One write is under way at a time, and the fragments of a frame follow each other: noble mixes up the answers of two. */
  #last: Promise<unknown> = Promise.resolve();

  constructor({ adapter, peripheral, characteristic, facts, lost }: HostLinkParts) {
    this.facts = facts;
    this.lost = lost;
    this.#adapter = adapter;
    this.#peripheral = peripheral;
    this.#characteristic = characteristic;
  }

  onPiece(listener: (bytes: Uint8Array) => void): void {
    this.#characteristic.on("data", listener);
  }

  /** Resolves once the frame's fragments are handed to the controller's queue; nothing tells whether they arrive. */
  send(frame: Uint8Array): Promise<void> {
    return this.#inTurn(async () => {
      const { fragmentBytes } = this.facts;
      for (let at = 0; at < frame.length; at += fragmentBytes) {
        await this.#write(Buffer.from(frame.subarray(at, at + fragmentBytes)));
      }
    });
  }

  /** Ends and renews the subscription, which makes a Zephyr server forget a half frame (smp_bt.c). */
  resync(): Promise<void> {
    return this.#inTurn(async () => {
      const what = "the renewed subscription";
      const awaited = { what, withinMs: RESYNC_MS, signal: this.lost };
      await answered(this.#characteristic, "notify", awaited, () => this.#characteristic.unsubscribe());
      await answered(this.#characteristic, "notify", awaited, () => this.#characteristic.subscribe());
    });
  }

  /** Settles within 2 s; never throws. */
  close(): Promise<void> {
    this.#characteristic.removeAllListeners("data");
    return this.#adapter.disconnect(this.#peripheral);
  }

  async #write(fragment: Buffer): Promise<void> {
    const awaited = { what: "the end of a write", withinMs: WRITE_MS, signal: this.lost };
    const [error] = await answered(this.#characteristic, "write", awaited, () =>
      this.#characteristic.write(fragment, true),
    );
    if (error) throw new SmpError("SMP_LINK_LOST", `a write failed: ${String(error)}`, { cause: error });
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = raceAbort(this.lost, this.#last.then(work));
    this.#last = done.catch(() => {});
    return done;
  }
}
