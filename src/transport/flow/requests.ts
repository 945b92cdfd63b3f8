/** The requests that left, by their ids: an answer that bears one is told from those that are late, repeated or somebody else's. */

/** An id that is forgotten is one whose sequence number has a new owner, with up to 16 devices at work. */
const REMEMBERED = 4096;

export interface SentRequest {
  readonly id: string;
  readonly device: string;
  readonly seq: number;
  isAnswered: boolean;
}

export class SentRequests {
  /** Unlike that of any process before. */
  readonly #prefix = Math.random().toString(36).slice(2, 8).padEnd(6, "0");
  readonly #sent = new Map<string, SentRequest>();
  /** The last request with each sequence number of each device. */
  readonly #bySeq = new Map<string, SentRequest>();
  #count = 0;

  newId(): string {
    return `${this.#prefix}-${++this.#count}`;
  }

  add(id: string, device: string, seq: number): void {
    const request = { id, device, seq, isAnswered: false };
    this.#sent.set(id, request);
    this.#bySeq.set(keyOf(request), request);
    const [oldest] = this.#sent.values();
    if (oldest && this.#sent.size > REMEMBERED) this.#forget(oldest);
  }

  find(id: string): SentRequest | undefined {
    return this.#sent.get(id);
  }

  /** The last request to the device with this sequence number. */
  findLast(device: string, seq: number): SentRequest | undefined {
    return this.#bySeq.get(keyOf({ device, seq }));
  }

  /** Whether the id was given here, though it may be forgotten. */
  isOwn(id: string): boolean {
    return id.startsWith(`${this.#prefix}-`);
  }

  #forget(request: SentRequest): void {
    this.#sent.delete(request.id);
    if (this.#bySeq.get(keyOf(request)) === request) this.#bySeq.delete(keyOf(request));
  }
}

function keyOf({ device, seq }: Pick<SentRequest, "device" | "seq">): string {
  return `${seq} ${device}`;
}

/** As long as ids get, for the size of messages. */
export const LONGEST_ID = "x".repeat(16);
