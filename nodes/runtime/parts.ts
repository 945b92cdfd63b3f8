/** Firmware that comes as a series of messages, as `file in` sends a file as "a stream of Buffers". */
import { createSpool, SmpError, withDeadline, type FirmwareSource } from "../../src/index";
import { recordOf, type FlowMessage } from "./red";

/** A node that reads a file sends the next part in far less. */
const NEXT_PART_MS = 60_000;

/** Series that broke off and never end would else be remembered for ever. */
const MAX_GIVEN_UP = 100;

interface Series {
  readonly spool: ReturnType<typeof createSpool>;
  /** The first message without its piece: `file in` may leave the last one bare. */
  readonly first: Record<string, unknown>;
  arrived: number;
  onArrival: () => void;
}

interface Part {
  readonly id: string;
  readonly index: number;
  readonly isLast: boolean;
}

export interface TakeOptions {
  readonly msg: FlowMessage;
  /** Property of the message that holds the piece, e.g. "payload". */
  readonly property: string;
  readonly piece: unknown;
  readonly signal: AbortSignal;
}

/** Whether a message is a part of one firmware. Other series, e.g. one message for each device, are none of it. */
export function isPart(msg: FlowMessage, piece: unknown): boolean {
  return partOf(msg) !== undefined && (piece === undefined || piece instanceof Uint8Array);
}

function partOf(msg: FlowMessage): Part | undefined {
  const { type, id, index, count } = recordOf(msg.parts);
  if (type !== "buffer" || typeof id !== "string" || typeof index !== "number") return undefined;
  return { id, index, isLast: typeof count === "number" && index >= count - 1 };
}

/** Collects each series in a temporary file. The latest part waits here for the next one: what goes wrong is said of it. */
export class PartsCollector {
  readonly #series = new Map<string, Series>();
  /** Ids of series that broke off; their later parts are dropped. */
  readonly #givenUp = new Set<string>();

  /**
   * @returns the firmware with the last part, "taken" for an earlier one
   * @throws SMP_BAD_INPUT for a part out of order, SMP_TIMEOUT when the next one does not come, else as a spool
   */
  async take(options: TakeOptions): Promise<FirmwareSource | "taken"> {
    const part = partOf(options.msg)!;
    if (part.index > 0 && this.#givenUp.has(part.id)) {
      if (part.isLast) this.#givenUp.delete(part.id);
      return "taken";
    }
    const series = part.index === 0 ? this.#begin(part, options) : this.#series.get(part.id);
    if (!series) throw outOfOrder(options.property, part, 0);
    try {
      return await this.#append(series, part, options);
    } catch (thrown) {
      if (this.#series.get(part.id) !== series) return "taken";
      this.#giveUp(part, series);
      throw thrown;
    }
  }

  #begin({ id }: Part, { msg, property }: TakeOptions): Series {
    const before = this.#series.get(id);
    if (before) void discard(before);
    this.#givenUp.delete(id);
    const { parts: _, [topKey(property)]: __, ...first } = msg;
    const spool = createSpool(`the parts in msg.${property}`);
    const series: Series = { spool, first, arrived: 0, onArrival: () => undefined };
    this.#series.set(id, series);
    return series;
  }

  async #append(series: Series, part: Part, options: TakeOptions): Promise<FirmwareSource | "taken"> {
    const { msg, property, piece, signal } = options;
    if (part.index !== series.arrived) throw outOfOrder(property, part, series.arrived);
    series.arrived += 1;
    series.onArrival();
    const spool = await series.spool;
    // `file in` ends with an empty part when the file's size is a multiple of its parts.
    if (piece !== undefined) await spool.write(piece);
    if (!part.isLast) {
      await nextArrival(series, part, `part ${part.index + 2} of the series in msg.${property}`, signal);
      return "taken";
    }
    const source = await spool.finish();
    this.#series.delete(part.id);
    completeLast(msg, series.first, property);
    return source;
  }

  #giveUp({ id, isLast }: Part, series: Series): void {
    this.#series.delete(id);
    void discard(series);
    if (isLast) return;
    this.#givenUp.add(id);
    const [oldest] = this.#givenUp;
    if (oldest !== undefined && this.#givenUp.size > MAX_GIVEN_UP) this.#givenUp.delete(oldest);
  }
}

async function nextArrival(series: Series, { index }: Part, what: string, signal: AbortSignal): Promise<void> {
  if (series.arrived > index + 1) return;
  const arrival = new Promise<void>((resolve) => (series.onArrival = resolve));
  await withDeadline(what, NEXT_PART_MS, signal, () => arrival);
}

async function discard(series: Series): Promise<void> {
  const spool = await series.spool.catch(() => undefined);
  await spool?.discard();
}

/** One message stands for the series from here on: with what the first one had, and without pieces. */
function completeLast(msg: FlowMessage, first: Record<string, unknown>, property: string): void {
  delete msg.parts;
  delete msg[topKey(property)];
  Object.assign(msg, { ...first, ...msg });
}

function topKey(property: string): string {
  return property.split(/[.[]/, 1)[0]!;
}

function outOfOrder(property: string, { index }: Part, expected: number): SmpError {
  const message = `part ${index + 1} of the series in msg.${property} came where part ${expected + 1} was expected`;
  return new SmpError("SMP_BAD_INPUT", message, {
    field: "msg.parts",
    hint: "Let the parts of a firmware come in order, from the first to the last, and start again.",
  });
}
