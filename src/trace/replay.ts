/** A recorded trace against a virtual device: the same requests again, and whether the answers are the same. */
import { isDeepStrictEqual } from "node:util";
import { sleep, withDeadline } from "../clock";
import type { DeviceConnection } from "../device/connection";
import type { VirtualDevice } from "../device/device";
import { SmpError } from "../errors";
import { os } from "../smp/commands";
import { decodeMessage } from "../smp/message";
import { describeFrame } from "./described-frame";
import { isRecord, type ReadLine } from "./read";
import type { FrameRecord, TraceRecord } from "./record";

/** An answer that is another one than recorded. */
export interface ReplayDifference {
  /** Number of the recorded answer. */
  readonly n: number;
  readonly command: string | undefined;
  /** Decoded bodies; `undefined` when nothing came. */
  readonly recorded: unknown;
  readonly answered: unknown;
}

/** What came of playing a trace's requests again. */
export interface Replay {
  /** Requests that were sent. */
  readonly requests: number;
  /** Answers that were compared. */
  readonly answers: number;
  readonly differences: readonly ReplayDifference[];
}

const ANSWER_MS = 10_000;
const BOOT_MS = 60_000;
const BOOT_POLL_MS = 10;

/**
 * Sends the recorded requests in their order, each after the answers that had come before it, and compares what the device answers.
 * A device that was reset is waited for. Requests that were never answered are sent too.
 * @param lines of one device, with whole frames
 * @throws SMP_BAD_INPUT when frames are not whole; SMP_TIMEOUT when the device does not start again; the signal's reason on abort
 */
export async function replayTrace(
  lines: Iterable<ReadLine>,
  device: VirtualDevice,
  signal?: AbortSignal,
): Promise<Replay> {
  const run = new Run(device, signal);
  try {
    for (const line of lines) if (isRecord(line)) await run.take(line);
    return { requests: run.requests, answers: run.answers, differences: run.differences };
  } finally {
    run.close();
  }
}

class Run {
  requests = 0;
  answers = 0;
  readonly differences: ReplayDifference[] = [];
  readonly #device: VirtualDevice;
  readonly #signal: AbortSignal | undefined;
  #connection: DeviceConnection | undefined;
  /** Sequence numbers of requests. */
  readonly #sent = new Map<number, number>();
  /** By sequence number, those that were not compared yet. */
  readonly #answers = new Map<number, Uint8Array>();
  #onChange: () => void = () => undefined;

  constructor(device: VirtualDevice, signal: AbortSignal | undefined) {
    this.#device = device;
    this.#signal = signal;
  }

  async take(record: TraceRecord): Promise<void> {
    if (record.kind === "event") await this.#wait(record.request);
    else if (record.dir === "out") await this.#send(record);
    else if (record.match === "answer" || record.match === "late") await this.#compare(record);
    else await this.#wait(record.answers);
  }

  close(): void {
    this.#connection?.close();
  }

  async #send(frame: FrameRecord): Promise<void> {
    const bytes = bytesOf(frame);
    this.#connection ??= await this.#connect();
    this.#answers.delete(frame.header?.seq ?? -1);
    this.#sent.set(frame.n, frame.header?.seq ?? -1);
    this.requests++;
    this.#connection.send(bytes);
  }

  async #compare(frame: FrameRecord): Promise<void> {
    const recorded = decodeMessage(bytesOf(frame));
    const bytes = await this.#answerTo(recorded.seq);
    this.answers++;
    const answered = bytes && decodeMessage(bytes);
    if (!isDeepStrictEqual(answered, recorded)) {
      const said = bytes && describeFrame(bytes, "described").body;
      const wanted = describeFrame(bytesOf(frame), "described").body;
      this.differences.push({ n: frame.n, command: frame.command, recorded: wanted, answered: said });
    }
    if (frame.command === os.reset.name && answered) await this.#until("the device's reset", () => !this.#connection);
  }

  /** For an answer that went astray when it was recorded: a device takes the next request when it has given it. */
  async #wait(request: number | undefined): Promise<void> {
    const seq = request === undefined ? undefined : this.#sent.get(request);
    if (seq !== undefined) await this.#answerTo(seq);
  }

  /** Undefined when there is none in time. */
  async #answerTo(seq: number): Promise<Uint8Array | undefined> {
    await this.#until("an answer", () => this.#answers.has(seq) || !this.#connection).catch((error: unknown) => {
      if (!(error instanceof SmpError) || error.code !== "SMP_TIMEOUT") throw error;
    });
    const answer = this.#answers.get(seq);
    this.#answers.delete(seq);
    return answer;
  }

  async #connect(): Promise<DeviceConnection> {
    return await withDeadline(`the start of ${this.#device.name}`, BOOT_MS, this.#signal, async (signal) => {
      while (this.#device.state !== "application" && this.#device.state !== "recovery")
        await sleep(BOOT_POLL_MS, signal);
      return this.#device.connect({
        frame: (frame) => {
          this.#answers.set(frame[6] ?? -1, frame);
          this.#onChange();
        },
        lost: () => {
          this.#connection = undefined;
          this.#onChange();
        },
      });
    });
  }

  #until(what: string, reached: () => boolean): Promise<void> {
    return withDeadline(what, ANSWER_MS, this.#signal, async (signal) => {
      while (!reached() && !signal.aborted) await new Promise<void>((resolve) => (this.#onChange = resolve));
    });
  }
}

function bytesOf({ n, hex, bytes }: FrameRecord): Buffer {
  const whole = Buffer.from(hex, "hex");
  if (hex.length === 2 * bytes && whole.length === bytes) return whole;
  throw new SmpError("SMP_BAD_INPUT", `frame #${n} of the trace is not whole, as replaying needs it`, {
    hint: "Record the trace with whole frames (a setting of the SMP pool).",
  });
}
