/** A trace as text, beside the device's own log. */
import { upTo } from "./chosen-lines";
import type { CliOptions } from "./cli-options";
import { readDeviceLog, type LogLine } from "./device-log";
import { fileLines } from "./file-lines";
import { isRecord, type ReadLine, type TimedLine } from "./read";
import { harmless, lineOf, secondsOf } from "./text";

/** The trace's lines in their order, each after what the device said before it. */
export function* textBeside(lines: Generator<TimedLine>, { hex, log, logOffsetS }: CliOptions): Generator<string> {
  const [first, all] = upTo(lines, isRecord);
  const startMs = first?.wallMs ?? 0;
  const said = log === undefined ? [] : logLines(log, startMs + logOffsetS * 1000);
  let told = 0;
  for (const { line, wallMs } of all) {
    for (; told < said.length && said[told]!.wallMs < wallMs; told++) yield saidText(said[told]!, startMs);
    yield `${lineOf(line, wallMs - startMs)}${hexOf(line, hex)}\n`;
  }
  for (const line of said.slice(told)) yield saidText(line, startMs);
}

function logLines(path: string, uptimeZeroMs: number): LogLine[] {
  const lines = readDeviceLog([...fileLines(path)].join(""), uptimeZeroMs);
  return lines.toSorted((one, other) => (one.wallMs === other.wallMs ? 0 : one.wallMs - other.wallMs));
}

function saidText({ wallMs, text }: LogLine, startMs: number): string {
  const since = Number.isFinite(wallMs) ? secondsOf(wallMs - startMs) : " ".repeat(13);
  return `${" ".repeat(24)} ${since}  | ${harmless(text)}\n`;
}

function hexOf(line: ReadLine, isWanted: boolean): string {
  return isWanted && line.kind === "frame" ? `\n    ${line.hex}` : "";
}
