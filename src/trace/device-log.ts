/** Lines of a device's own log, in the time of a trace. */
import { stripVTControlCharacters } from "node:util";
import { SmpError } from "../errors";

export interface LogLine {
  /** On the wall clock. */
  readonly wallMs: number;
  readonly text: string;
}

/** As terminals and `ts` write it; without a zone it is local time. */
const WALL = /^\W{0,3}(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d(?:[.,]\d{1,6})?)(Z|[+-]\d\d:?\d\d)?/;
/** Zephyr: "[00:00:12.345,678]"; the digits behind the comma are microseconds. */
const UPTIME = /^\W{0,3}\[?(\d+):(\d\d):(\d\d)\.(\d{3})(?:,(\d{3}))?\]?/;

/** With it Zephyr's shell takes its prompt back before a line of the log. */
const ERASE = "\u001b[J";

/**
 * Lines without a time stand with the one before. After a reboot, when the uptime falls, it counts on from the last line.
 * Colours are left out.
 * @param uptimeZeroMs when the device's uptime was 0, on the wall clock
 * @throws SMP_BAD_INPUT when no line bears a time
 */
export function readDeviceLog(text: string, uptimeZeroMs: number): LogLine[] {
  let zeroMs = uptimeZeroMs;
  let lastMs = -Infinity;
  const timeOf = (line: string): number => {
    const uptimeMs = uptime(line);
    if (uptimeMs === undefined) return wallClock(line) ?? lastMs;
    if (zeroMs + uptimeMs < lastMs) zeroMs = lastMs;
    return zeroMs + uptimeMs;
  };
  const lines = text.split(/\r*\n/).map((line) => stripVTControlCharacters(line.split(ERASE).at(-1)!));
  const timed = lines.flatMap((line) =>
    line.trim() === "" ? [] : [{ wallMs: (lastMs = timeOf(line)), text: line.trimEnd() }],
  );
  if (lastMs > -Infinity) return timed;
  const said = "no line of the device's log begins with a time: [00:00:12.345,678] or 2026-01-31 10:00:00.123";
  throw new SmpError("SMP_BAD_INPUT", said, {
    hint: "Let the device or the terminal write the time before each line.",
  });
}

function wallClock(line: string): number | undefined {
  const [, date, time, zone = ""] = WALL.exec(line) ?? [];
  if (date === undefined || time === undefined) return undefined;
  const ms = Date.parse(`${date}T${time.replace(",", ".")}${zone}`);
  return Number.isNaN(ms) ? undefined : ms;
}

function uptime(line: string): number | undefined {
  const parts = UPTIME.exec(line);
  if (!parts) return undefined;
  const [hours, minutes, seconds, millis, micros = 0] = parts.slice(1).map((part) => Number(part ?? 0));
  return ((hours! * 60 + minutes!) * 60 + seconds!) * 1000 + millis! + micros / 1000;
}
