/** A Bluetooth LE link as the session sees it; the work is done in the host process. */
import { after, nowMs, raceAbort, throwIfAborted } from "../clock";
import { SmpError } from "../errors";
import { MAX_FRAME_BYTES } from "../framing/frame-length";
import { FrameAssembler } from "../framing/stream";
import type { BleLinkFacts, ToHost } from "./ble-host/messages";
import { errorOf, type Task } from "./ble-host-process";
import { FrameQueue } from "./frame-queue";
import type { Link } from "./transport";

/** More than any server has buffers. */
const MAX_IN_FLIGHT = 16;
const CLOSE_MS = 2_500;
/**
 * The pieces of an answer come back to back, and an answer within moments unless flash is erased: who sends again after
 * such a silence has given up waiting, and either side may hold half a frame whose rest will never come.
 */
const SILENCE_MS = 2_000;

type TaskMessage = Parameters<Task["take"]>[0];

export class BleLink implements Link, Task {
  readonly label: string;
  /** A server with reassembly takes whatever its buffer holds, in any number of fragments. */
  readonly maxFrameBytes = MAX_FRAME_BYTES;
  readonly maxInFlight = MAX_IN_FLIGHT;
  readonly frames = new FrameQueue();
  /** Known once the link is open. */
  facts!: BleLinkFacts;
  readonly #tell: (message: (task: number) => ToHost) => void;
  readonly #assembler = new FrameAssembler();
  readonly #tickets = new Map<number, { resolve: () => void; reject: (error: SmpError) => void }>();
  #lastTicket = 0;
  #lastPieceMs = 0;
  /** When a frame in several fragments was sent to which nothing came back yet. */
  #unansweredMs: number | undefined;
  #over: string | undefined;
  #resolveOpened: (() => void) | undefined;
  #rejectOpened: ((error: SmpError) => void) | undefined;
  #ended: () => void = () => {};
  readonly #end = new Promise<void>((resolve) => (this.#ended = resolve));
  readonly opened = new Promise<void>((resolve, reject) => {
    this.#resolveOpened = resolve;
    this.#rejectOpened = reject;
  });

  constructor(label: string, tell: (message: (task: number) => ToHost) => void) {
    this.label = label;
    this.#tell = tell;
    this.opened.catch(() => {});
  }

  get wholeFrameBytes(): number {
    return this.facts.fragmentBytes;
  }

  async send(frame: Uint8Array, signal: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    if (this.#over !== undefined) throw new SmpError("SMP_LINK_LOST", `${this.label} ${this.#over}`);
    const bytes = Uint8Array.from(frame);
    if (this.#isOutOfStep()) {
      this.#assembler.drop();
      this.#unansweredMs = undefined;
      await raceAbort(
        signal,
        this.#ask((task, ticket) => ({ type: "resync", task, ticket })),
      );
    }
    if (bytes.length > this.wholeFrameBytes) this.#unansweredMs ??= nowMs();
    await raceAbort(
      signal,
      this.#ask((task, ticket) => ({ type: "send", task, ticket, frame: bytes })),
    );
  }

  async close(): Promise<void> {
    if (this.#over === undefined) {
      this.#finish("is closed");
      this.frames.end();
      this.#tell((task) => ({ type: "end", task }));
    }
    let cancel: (() => void) | undefined;
    await Promise.race([this.#end, new Promise<void>((resolve) => (cancel = after(CLOSE_MS, resolve)))]);
    cancel?.();
  }

  take(message: TaskMessage): void {
    if (message.type === "opened") {
      this.facts = message.facts;
      this.#resolveOpened?.();
    } else if (message.type === "piece") this.#takePiece(message.bytes);
    else if (message.type === "done") this.#settle(message.ticket, message.error);
    else if (message.type === "failed") this.gone(errorOf(message.error));
    else if (message.type === "ended") this.gone(new SmpError("SMP_LINK_LOST", "it ended"));
  }

  gone(error: SmpError): void {
    this.#ended();
    this.#rejectOpened?.(error);
    if (this.#over !== undefined) return;
    this.#finish(`was lost: ${error.message}`);
    this.frames.fail(new SmpError("SMP_LINK_LOST", `${this.label} ${this.#over}`, { cause: error, hint: error.hint }));
  }

  /** Half a frame that has stopped growing on this side, or may lie on the other. */
  #isOutOfStep(): boolean {
    const silentMs = nowMs() - Math.max(this.#lastPieceMs, this.#unansweredMs ?? 0);
    const isHalf = this.#assembler.pendingBytes > 0 || this.#unansweredMs !== undefined;
    return isHalf && silentMs >= SILENCE_MS;
  }

  #takePiece(bytes: Uint8Array): void {
    if (this.#over !== undefined) return;
    this.#lastPieceMs = nowMs();
    this.#unansweredMs = undefined;
    const frame = this.#assembler.push(bytes);
    if (frame) this.frames.push(frame);
  }

  #ask(message: (task: number, ticket: number) => ToHost): Promise<void> {
    const ticket = ++this.#lastTicket;
    return new Promise((resolve, reject) => {
      this.#tickets.set(ticket, { resolve, reject });
      this.#tell((task) => message(task, ticket));
    });
  }

  #settle(ticket: number, error: string | undefined): void {
    const waiting = this.#tickets.get(ticket);
    this.#tickets.delete(ticket);
    if (error === undefined) waiting?.resolve();
    else waiting?.reject(new SmpError("SMP_LINK_LOST", `${this.label} could not send: ${error}`));
  }

  #finish(how: string): void {
    this.#over = how;
    for (const ticket of this.#tickets.keys()) this.#settle(ticket, how);
  }
}
