/** Traces as they were written: a JSON record per line. */
import { SmpError } from "../errors";
import { MAX_FRAME_BYTES } from "../framing/frame-length";
import { TRACE_VERSION, type TraceLine, type TraceRecord } from "./record";

/** A line that is none; the last one of a process that was killed, perhaps. */
export interface UnreadableLine {
  readonly kind: "unreadable";
  readonly line: number;
}

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

/**
 * Lines that are not readable are told as such; blank ones are passed over.
 * @throws SMP_BAD_INPUT when no line is a trace's, or its version is another
 */
export function readTrace(text: string): ReadLine[] {
  const lines = text.split("\n").flatMap((line, index) => (line.trim() === "" ? [] : [readLine(line, index + 1)]));
  for (const line of lines) {
    if (line.kind === "trace" && line.version !== TRACE_VERSION) {
      throw bad(`it is of version ${line.version}, only ${TRACE_VERSION} is known`);
    }
  }
  if (lines.every(({ kind }) => kind === "unreadable")) throw bad("no line of it is a record of a trace");
  return lines;
}

/** The wall clock is read once per process that wrote: from there on the monotonic clock counts. Lines between records stand with the one before. */
export function timed(lines: readonly ReadLine[]): TimedLine[] {
  let zeroMs: number | undefined;
  let wallMs = 0;
  return lines.map((line) => {
    if (line.kind === "trace") zeroMs = undefined;
    if (isRecord(line)) {
      zeroMs ??= Date.parse(line.at) - line.ms;
      wallMs = zeroMs + line.ms;
    }
    return { line, wallMs };
  });
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
    if (isTraceLine(value)) return value;
  } catch {
    // Told below.
  }
  return { kind: "unreadable", line };
}

function isTraceLine(value: unknown): value is TraceLine {
  if (typeof value !== "object" || value === null || !("kind" in value)) return false;
  const { kind } = value;
  if (typeof kind !== "string" || !Object.hasOwn(FIELDS, kind)) return false;
  const given = value as Record<string, unknown>;
  const has = (fields: Readonly<Record<string, string>>): boolean =>
    Object.entries(fields).every(([name, type]) => typeof given[name] === type);
  const optional = Object.entries(OPTIONAL_FIELDS).filter(([name]) => given[name] !== undefined);
  return has(FIELDS[kind as TraceLine["kind"]]) && has(Object.fromEntries(optional)) && hasSense(given);
}

function hasSense({ at, bytes, header }: Record<string, unknown>): boolean {
  const isTime = at === undefined || !Number.isNaN(Date.parse(at as string));
  const isLength =
    bytes === undefined || (Number.isInteger(bytes) && Number(bytes) >= 0 && Number(bytes) <= MAX_FRAME_BYTES);
  return isTime && isLength && (header === undefined || isHeader(header));
}

function isHeader(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return HEADER_FIELDS.every((name) => Number.isInteger((value as Record<string, unknown>)[name]));
}

function bad(why: string): SmpError {
  return new SmpError("SMP_BAD_INPUT", `the file is no trace that can be read: ${why}`, {
    hint: "Give the file that an SMP pool wrote, JSON lines.",
  });
}
