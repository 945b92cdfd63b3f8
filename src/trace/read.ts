/** Traces as they were written: a JSON record per line. */
import { SmpError } from "../errors";
import { MAX_FRAME_BYTES } from "../framing/frame-length";
import { TRACE_VERSION, type TraceLine, type TraceRecord } from "./record";

/** A line that is none; the last one of a process that was killed, perhaps. */
export interface UnreadableLine {
  readonly kind: "unreadable";
  readonly line: number;
  readonly why: string;
}

/** A line of a trace, as far as it can be read. */
export type ReadLine = TraceLine | UnreadableLine;

/** A line with its time on the wall clock in milliseconds, as exact as the monotonic clock. */
export interface TimedLine {
  readonly line: ReadLine;
  readonly wallMs: number;
}

const LINK_FIELDS = { n: "number", at: "string", ms: "number", device: "string", link: "string" } as const;
const FIELDS: Readonly<Record<TraceLine["kind"], Readonly<Record<string, string>>>> = {
  trace: { version: "number", at: "string", frames: "string" },
  lost: { records: "number" },
  event: { ...LINK_FIELDS, event: "string", text: "string" },
  frame: { ...LINK_FIELDS, dir: "string", bytes: "number", hex: "string" },
};

/** Of those that are there. */
const OPTIONAL_FIELDS: Readonly<Record<string, string>> = {
  command: "string",
  fault: "string",
  try: "number",
  match: "string",
  answers: "number",
  roundTripMs: "number",
  request: "number",
};
const HEADER_FIELDS = ["op", "version", "group", "id", "seq", "bodyBytes"] as const;

/** So many lines that are none at the beginning, and it is no trace. */
const MAX_UNREADABLE = 1000;

/** What is left of the first two bytes of RFC 1952 in a text. */
const GZIP = "\u001f\ufffd";

/** {@link traceLines} of a whole file. */
export function readTrace(text: string, name?: string): ReadLine[] {
  return [...traceLines(text.split(/(?<=\n)/), name)];
}

/**
 * Lines that are not readable are told as such; blank ones are passed over.
 * @param texts lines with their ends
 * @param name of the file, for the error
 * @throws SMP_BAD_INPUT when no line is a trace's, or its version is another
 */
export function* traceLines(texts: Iterable<string>, name = "the file"): Generator<ReadLine> {
  const unreadable: ReadLine[] = [];
  let isTrace = false;
  for (const line of readLines(texts, name)) {
    isTrace ||= line.kind !== "unreadable";
    if (isTrace) {
      yield* unreadable.splice(0);
      yield line;
    } else if (unreadable.push(line) === MAX_UNREADABLE) break;
  }
  if (!isTrace) throw bad(name, whyNone(unreadable[0]));
}

function* readLines(texts: Iterable<string>, name: string): Generator<ReadLine> {
  let count = 0;
  for (const text of texts) {
    count++;
    if (text.trim() === "") continue;
    if (count === 1 && text.startsWith(GZIP)) throw bad(name, "it is compressed; unpack it with gunzip");
    const line = readLine(text, count);
    if (line.kind === "trace" && line.version !== TRACE_VERSION) {
      throw bad(name, `line ${count} is of version ${line.version}, only ${TRACE_VERSION} is known`);
    }
    yield line;
  }
}

/** The wall clock is read once per process that wrote: from there on the monotonic clock counts. Lines between records stand with the one before. */
export function* timed(lines: Iterable<ReadLine>): Generator<TimedLine> {
  let zeroMs: number | undefined;
  let wallMs = 0;
  for (const line of lines) {
    if (line.kind === "trace") zeroMs = undefined;
    if (isRecord(line)) {
      zeroMs ??= Date.parse(line.at) - line.ms;
      wallMs = zeroMs + line.ms;
    }
    yield { line, wallMs };
  }
}

/** Whether a line is of a device, or of all of them. */
export function isOf(line: ReadLine, device: string): boolean {
  return !isRecord(line) || line.device === device;
}

export function isRecord(line: ReadLine): line is TraceRecord {
  return line.kind === "frame" || line.kind === "event";
}

function readLine(text: string, line: number): ReadLine {
  try {
    const value: unknown = JSON.parse(text);
    const why = whyNoRecord(value);
    return why === undefined ? (value as TraceLine) : { kind: "unreadable", line, why };
  } catch {
    return { kind: "unreadable", line, why: text.endsWith("\n") ? "it is no JSON" : "it is cut off" };
  }
}

function whyNoRecord(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null || !("kind" in value)) return 'it has no "kind"';
  const { kind } = value;
  if (typeof kind !== "string" || !Object.hasOwn(FIELDS, kind)) return 'its "kind" is none of a trace';
  const given = value as Record<string, unknown>;
  const optional = Object.entries(OPTIONAL_FIELDS).filter(([name]) => given[name] !== undefined);
  const types = [...Object.entries(FIELDS[kind as TraceLine["kind"]]), ...optional];
  const [wrong = senseless(given)] = types.flatMap(([name, type]) => (typeof given[name] === type ? [] : [name]));
  return wrong === undefined ? undefined : `its "${wrong}" is ${given[wrong] === undefined ? "missing" : "wrong"}`;
}

/** Names the field whose value cannot be. */
function senseless({ at, bytes, header }: Record<string, unknown>): string | undefined {
  if (at !== undefined && Number.isNaN(Date.parse(at as string))) return "at";
  const isLength = Number.isInteger(bytes) && Number(bytes) >= 0 && Number(bytes) <= MAX_FRAME_BYTES;
  if (bytes !== undefined && !isLength) return "bytes";
  return header === undefined || isHeader(header) ? undefined : "header";
}

function isHeader(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return HEADER_FIELDS.every((name) => Number.isInteger((value as Record<string, unknown>)[name]));
}

function whyNone(first: ReadLine | undefined): string {
  return first?.kind === "unreadable" ? `no line is a record; of line ${first.line}: ${first.why}` : "it is empty";
}

function bad(name: string, why: string): SmpError {
  return new SmpError("SMP_BAD_INPUT", `${name} is no trace that can be read: ${why}`, {
    hint: "Give the file that an SMP pool wrote, JSON lines.",
  });
}
