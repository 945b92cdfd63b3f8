/** A trace for people: one line per record, to be laid beside a device's own log. */
import { resultCode } from "../smp/codes";
import { OP } from "../smp/header";
import type { CborMap } from "../smp/message";
import { refusalIn } from "../smp/response";
import type { EventRecord, FrameRecord, TraceRecord } from "./record";
import type { ReadLine } from "./read";

/** Column in which the device's name ends, so that arrows stand below each other. */
const DEVICE_WIDTH = 16;
const COMMAND_WIDTH = 22;
const SHOWN_DIGITS = 16;

/** @param sinceMs the beginning of what is shown */
export function lineOf(line: ReadLine, sinceMs: number): string {
  return harmless(textOf(line, sinceMs));
}

/** What devices say must not steer a terminal. */
export function harmless(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, "\u00b7");
}

function textOf(line: ReadLine, sinceMs: number): string {
  switch (line.kind) {
    case "trace":
      return `--- trace of ${line.at}, ${line.frames === "whole" ? "whole frames" : "without firmware bytes"}`;
    case "lost":
      return `--- ${line.records} records were lost here: they came faster than the disk took them`;
    case "unreadable":
      return `--- line ${line.line} of the file is no record: ${line.why}`;
    case "event":
      return `${stampOf(line, sinceMs)}   ${eventText(line)}`;
    case "frame":
      return `${stampOf(line, sinceMs)} ${line.dir === "out" ? "→" : "←"} ${frameText(line)}`;
  }
}

function stampOf({ at, device }: TraceRecord, sinceMs: number): string {
  return `${at} ${secondsOf(sinceMs)}  ${device.padEnd(DEVICE_WIDTH)}`;
}

/** "+1.234567" */
export function secondsOf(ms: number): string {
  return `${ms < 0 ? "-" : "+"}${(Math.abs(ms) / 1000).toFixed(6)}`.padStart(13);
}

function eventText({ event, text, request }: EventRecord): string {
  const about = request === undefined ? "" : ` to #${request}`;
  return `--- ${event === "no-answer" ? "no answer" : event}${about}: ${text}`;
}

/** Without the stamp. */
export function frameText(record: FrameRecord): string {
  const { n, bytes, header } = record;
  const seq = header ? `seq ${String(header.seq).padStart(3)}` : "no header";
  return [
    commandText(record).padEnd(COMMAND_WIDTH),
    `#${n}`.padEnd(5),
    seq,
    `v${(header?.version ?? 0) + 1}`,
    `${String(bytes).padStart(5)} B`,
    ...matchText(record),
    record.fault === undefined ? valueText(record.body) : `no SMP message: ${record.fault}; ${record.hex}`,
    ...refusalText(record),
  ].join("  ");
}

function commandText({ command, header }: FrameRecord): string {
  if (command !== undefined || !header) return command ?? "?";
  const op = header.op === OP.READ || header.op === OP.READ_RESPONSE ? "read" : "write";
  return `${op} group ${header.group} id ${header.id}`;
}

function matchText({ dir, try: attempt = 1, match, answers, roundTripMs }: FrameRecord): string[] {
  if (dir === "out") return attempt > 1 ? [`try ${attempt}`] : [];
  const request = answers === undefined ? "" : ` to #${answers} after ${roundTripMs} ms`;
  return [`${match ?? "answer"}${request}`];
}

function refusalText({ dir, body }: FrameRecord): string[] {
  const refusal = dir === "in" && typeof body === "object" && body !== null ? refusalIn(body as CborMap) : undefined;
  if (!refusal) return [];
  const { name, meaning } = resultCode(refusal.rc, refusal.group);
  return [`refused: ${name}, ${meaning}`];
}

/** `{off: 0, data: <222 bytes 1a2b…>}`: as JSON, shorter. */
function valueText(value: unknown): string {
  if (typeof value === "string") return /^[0-9a-f]{33,}$/.test(value) ? `${value.slice(0, SHOWN_DIGITS)}…` : value;
  if (Array.isArray(value)) return `[${value.map(valueText).join(", ")}]`;
  if (typeof value !== "object" || value === null) return String(value);
  const { bytes, sha256, chars } = value as Record<string, unknown>;
  if (typeof bytes === "number") return `<${bytes} bytes${typeof sha256 === "string" ? ` ${sha256}` : ""}>`;
  if (typeof chars === "number") return `<${chars} characters>`;
  return `{${Object.entries(value)
    .map(([key, entry]) => `${key}: ${valueText(entry)}`)
    .join(", ")}}`;
}
