/** The lines of a trace that a command is about, one after the other. */
import { SmpError } from "../errors";
import type { CliOptions } from "./cli-options";
import { fileLines } from "./file-lines";
import { isOf, isRecord, timed, traceLines, type ReadLine, type TimedLine } from "./read";

/** @throws SMP_BAD_SETTING at the end, when the options do not go with the trace's devices; else as {@link fileLines} and {@link traceLines} */
export function* chosenLines({ file, device, replay }: CliOptions): Generator<TimedLine> {
  const devices = new Set<string>();
  const isUnclear = (): boolean => replay !== undefined && device === undefined && devices.size > 1;
  for (const each of timed(traceLines(fileLines(file), file))) {
    if (isRecord(each.line)) devices.add(each.line.device);
    if (!isUnclear() && (device === undefined || isOf(each.line, device))) yield each;
  }
  const has = `${file} has records of ${[...devices].join(", ") || "no device"}`;
  if (isUnclear()) throw new SmpError("SMP_BAD_SETTING", `--replay needs a --device: ${has}`);
  if (device !== undefined && !devices.has(device)) {
    throw new SmpError("SMP_BAD_SETTING", `--device ${device}: ${has}`);
  }
}

/**
 * Reads as far as the first line that is wanted.
 * @returns that one, if there is any, and all lines from the beginning
 */
export function upTo(
  lines: Generator<TimedLine>,
  isWanted: (line: ReadLine) => boolean,
): [wanted: TimedLine | undefined, all: Iterable<TimedLine>] {
  const read: TimedLine[] = [];
  for (let next = lines.next(); next.done !== true; next = lines.next()) {
    read.push(next.value);
    if (isWanted(next.value.line)) return [next.value, joined(read, lines)];
  }
  return [undefined, read];
}

function* joined<T>(first: Iterable<T>, then: Iterable<T>): Generator<T> {
  yield* first;
  yield* then;
}
