/** What happened in a run, in order; written out only when something went wrong. */
import { findCommand } from "../../src/smp/commands";
import { decodeMessage } from "../../src/smp/message";

export class Timeline {
  readonly #entries: { readonly atMs: number; readonly text: string | (() => string) }[] = [];
  readonly #nowMs: () => number;
  readonly #counts = new Map<string, number>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  add(text: string | (() => string)): void {
    this.#entries.push({ atMs: this.#nowMs(), text });
  }

  /** A fault has struck. */
  fault(kind: string, text: string | (() => string)): void {
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1);
    this.add(() => `!! ${kind}: ${typeof text === "string" ? text : text()}`);
  }

  /** How often each fault has struck. */
  get faults(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  lines(): string[] {
    return this.#entries.map(
      ({ atMs, text }) => `${atMs.toFixed(1).padStart(10)} ms  ${typeof text === "string" ? text : text()}`,
    );
  }
}

/** "image.upload off 512 data[200] seq 17", for people. */
export function describeFrame(frame: Uint8Array): string {
  try {
    const { op, group, id, seq, body } = decodeMessage(frame);
    const name = findCommand(op < 2 ? "read" : "write", group, id)?.name ?? `op ${op} group ${group} id ${id}`;
    return `${name}${op % 2 === 1 ? " answer" : ""} seq ${seq} ${JSON.stringify(body, short)}`;
  } catch {
    return `${frame.length} bytes that are no SMP message`;
  }
}

function short(_key: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return `${value.length} bytes ${Buffer.from(value.subarray(0, 4)).toString("hex")}`;
  const data =
    (value as { type?: unknown; data?: number[] } | null)?.type === "Buffer"
      ? (value as { data: number[] }).data
      : undefined;
  return data ? `${data.length} bytes ${Buffer.from(data.slice(0, 4)).toString("hex")}` : value;
}
