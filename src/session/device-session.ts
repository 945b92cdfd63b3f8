import { toSmpError, type SmpError } from "../errors";
import { abortReason, after, throwIfAborted } from "../clock";
import type { Link } from "../transport/transport";
import type { SessionOptions } from "./requests";
import type { Learnt } from "./learnt";
import type { Idle, Room } from "./room";
import { openSession } from "./session";
import { SharedAttempt } from "./shared-attempt";
import type { LinkState, SmpSession } from "./types";

export interface DeviceSessionOptions {
  readonly key: string;
  readonly room: Room;
  readonly idleCloseMs: number;
  readonly session: SessionOptions;
  readonly learnt: Learnt;
  readonly openLink: (signal: AbortSignal) => Promise<Link>;
  readonly onChange: () => void;
}

/**
 * The one session of a device: opened when asked for, closed when idle, replaced when lost. Its place in the pool's room
 * is taken with the first opening and kept while an operation runs, also through a reboot of the device.
 *
 *   closed ── get ──► opening ──► open ── lost, drop, idle, displaced, stop ──► closed
 */
export class DeviceSession implements Idle {
  readonly #options: DeviceSessionOptions;
  readonly #opening: SharedAttempt<SmpSession>;
  #session: SmpSession | undefined;
  /** The link before is really closed. */
  #closed: Promise<unknown> = Promise.resolve();
  #releasePlace: (() => void) | undefined;
  #inUse = false;
  #cancelIdle: () => void = () => {};
  #lastError: Error | undefined;

  constructor(options: DeviceSessionOptions) {
    this.#options = options;
    this.#opening = new SharedAttempt((signal) => this.#open(signal), options.onChange);
  }

  get state(): LinkState {
    if (this.#session && !this.#session.endedBy) return "open";
    return this.#opening.running ? "opening" : "closed";
  }

  get lastError(): Error | undefined {
    return this.#lastError;
  }

  /** The live session, or a new one. */
  async get(signal: AbortSignal | undefined): Promise<SmpSession> {
    throwIfAborted(signal);
    this.#noticeLoss();
    return this.#session ?? (await this.#opening.join(signal));
  }

  /** An operation begins. */
  use(): void {
    this.#inUse = true;
    this.#forgetIdle();
  }

  /** An operation has ended; `last`: no other follows at once. */
  rest(last: boolean, reason: SmpError): void {
    this.#inUse = false;
    this.#opening.abort(reason);
    this.#noticeLoss();
    if (!this.#session) void this.#freePlace();
    else if (last) this.#beginIdle();
  }

  /** Closes the session on purpose; the place stays with the running operation. */
  async drop(): Promise<void> {
    this.#close();
    await this.#closed;
  }

  async closeIdle(): Promise<void> {
    this.#close();
    await this.#freePlace();
  }

  /** Ends the opening under way too. */
  async stop(reason: SmpError): Promise<void> {
    this.#lastError = undefined;
    this.#inUse = false;
    this.#opening.abort(reason);
    this.#close();
    await this.#freePlace();
  }

  async #open(signal: AbortSignal): Promise<SmpSession> {
    try {
      await this.#closed;
      await this.#takePlace(signal);
      const { openLink, session: options, learnt } = this.#options;
      const session = await openSession(await openLink(signal), options, signal, learnt);
      if (signal.aborted) return await discard(session, signal);
      this.#session = session;
      this.#lastError = undefined;
      void session.ended.then(() => this.#noticeLoss());
      return session;
    } catch (error) {
      if (!signal.aborted) this.#lastError = toSmpError(error);
      throw error;
    }
  }

  async #takePlace(signal: AbortSignal): Promise<void> {
    if (this.#releasePlace) return;
    const release = await this.#options.room.take(this.#options.key, signal);
    if (signal.aborted) {
      release();
      throw abortReason(signal);
    }
    this.#releasePlace = release;
  }

  /** Once the link is closed and the opening given up; whoever takes the place may then open another. */
  async #freePlace(): Promise<void> {
    const release = this.#releasePlace;
    this.#releasePlace = undefined;
    await Promise.all([this.#closed, this.#opening.settled]);
    release?.();
  }

  #noticeLoss(): void {
    if (!this.#session?.endedBy) return;
    this.#lastError = this.#session.endedBy;
    this.#close();
    if (!this.#inUse) void this.#freePlace();
  }

  #close(): void {
    const session = this.#session;
    this.#session = undefined;
    this.#forgetIdle();
    if (!session) return;
    this.#closed = Promise.all([this.#closed, session.close()]);
    this.#options.onChange();
  }

  #beginIdle(): void {
    this.#cancelIdle = after(this.#options.idleCloseMs, () => void this.closeIdle(), { background: true });
    this.#options.room.offer(this);
  }

  #forgetIdle(): void {
    this.#cancelIdle();
    this.#options.room.withdraw(this);
  }
}

async function discard(session: SmpSession, signal: AbortSignal): Promise<never> {
  await session.close();
  throw abortReason(signal);
}
