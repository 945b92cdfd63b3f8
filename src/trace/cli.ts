#!/usr/bin/env node
/** `smp-trace`: reads what an SMP pool traced. */
import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { makeDevice } from "../device/cli-device";
import { packageVersion } from "../device/cli-version";
import { hasCode, messageOf, SmpError } from "../errors";
import { deviceOptions, HELP, parseTraceCommand, type CliOptions } from "./cli-options";
import { readDeviceLog } from "./device-log";
import { dissector } from "./lua";
import { pcapng } from "./pcapng";
import { isOf, isRecord, readTrace, timed, type ReadLine, type TimedLine } from "./read";
import { replayTrace } from "./replay";
import { harmless, lineOf, secondsOf } from "./text";

const TOLD_GAPS = 5;

async function main(args: readonly string[]): Promise<void> {
  const options = parseTraceCommand(args);
  if (options === "help") return print(HELP);
  if (options === "version") return print(`${packageVersion()}\n`);
  if (options === "lua") return print(dissector());
  const all = readTrace(readFile(options.file), options.file);
  check(options, all);
  const chosen = timed(all).filter(({ line }) => options.device === undefined || isOf(line, options.device));
  const lines = chosen.map(({ line }) => line);
  if (options.pcap === undefined && !options.replay) return print(textOf(chosen, options));
  tellGaps(lines);
  if (options.pcap !== undefined) writeCapture(options.pcap, chosen);
  if (options.replay) await replay(lines, options.replay);
}

/** @throws SMP_BAD_SETTING when the options do not go with the trace */
function check({ file, device, pcap, replay: isReplay }: CliOptions, lines: readonly ReadLine[]): void {
  if (pcap !== undefined && resolve(pcap) === resolve(file)) {
    throw new SmpError("SMP_BAD_SETTING", `--pcap ${pcap} is the trace itself`);
  }
  const devices = [...new Set(lines.flatMap((line) => (isRecord(line) ? [line.device] : [])))];
  const has = `${file} has records of ${devices.join(", ") || "no device"}`;
  if (device !== undefined && !devices.includes(device)) {
    throw new SmpError("SMP_BAD_SETTING", `--device ${device}: ${has}`);
  }
  if (isReplay && device === undefined && devices.length > 1) {
    throw new SmpError("SMP_BAD_SETTING", `--replay needs a --device: ${has}`);
  }
}

/** What stands between the frames of a text is not seen in a capture. */
function tellGaps(lines: readonly ReadLine[]): void {
  const gaps = lines.filter(({ kind }) => kind === "unreadable" || kind === "lost");
  for (const gap of gaps.slice(0, TOLD_GAPS)) console.error(`smp-trace: ${lineOf(gap, 0).slice(4)}`);
  if (gaps.length > TOLD_GAPS) console.error(`smp-trace: and ${gaps.length - TOLD_GAPS} more`);
}

/** Node.js waits for a pipe only when it is told nothing of an exit. */
function print(text: string): void {
  process.stdout.write(text);
}

function readFile(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new SmpError("SMP_BAD_SETTING", `${path} cannot be read: ${messageOf(cause)}`, { cause });
  }
}

function textOf(lines: readonly TimedLine[], { hex, log, logOffsetS }: CliOptions): string {
  const startMs = lines.find(({ line }) => isRecord(line))?.wallMs ?? 0;
  const shown = lines.map(({ line, wallMs }) => ({
    wallMs,
    text: `${lineOf(line, wallMs - startMs)}${hexOf(line, hex)}`,
  }));
  const beside = log === undefined ? [] : readDeviceLog(readFile(log), startMs + logOffsetS * 1000);
  const said = beside.map(({ wallMs, text }) => ({
    wallMs,
    text: `${" ".repeat(24)} ${Number.isFinite(wallMs) ? secondsOf(wallMs - startMs) : " ".repeat(13)}  | ${harmless(text)}`,
  }));
  return [...shown, ...said]
    .toSorted((one, other) => (one.wallMs === other.wallMs ? 0 : one.wallMs - other.wallMs))
    .map(({ text }) => `${text}\n`)
    .join("");
}

function hexOf(line: ReadLine, isWanted: boolean): string {
  return isWanted && line.kind === "frame" ? `\n    ${line.hex}` : "";
}

function writeCapture(path: string, lines: readonly TimedLine[]): void {
  const blocks = [...pcapng(lines)];
  try {
    writeFileSync(path, Buffer.concat(blocks));
  } catch (cause) {
    throw new SmpError("SMP_BAD_SETTING", `--pcap ${path} cannot be written: ${messageOf(cause)}`, { cause });
  }
  print(`${lines.filter(({ line }) => line.kind === "frame").length} frames in ${path}\n`);
}

async function replay(lines: readonly ReadLine[], args: readonly string[]): Promise<void> {
  const device = makeDevice(deviceOptions(args, buffersOf(lines)), () => undefined);
  try {
    const { requests, answers, differences } = await replayTrace(lines, device);
    for (const { n, command, recorded, answered } of differences) {
      print(
        `#${n} ${command}: recorded ${JSON.stringify(recorded)}, answered ${JSON.stringify(answered) ?? "nothing"}\n`,
      );
    }
    print(`${requests} requests, ${answers} answers compared, ${differences.length} differ\n`);
    if (differences.length > 0) process.exitCode = 1;
  } finally {
    device.close();
  }
}

/** As the recorded device told them. */
function buffersOf(lines: readonly ReadLine[]): { size?: number; count?: number } {
  for (const line of lines) {
    if (line.kind !== "frame" || line.command !== "os.parameters" || line.dir !== "in") continue;
    const { buf_size: size, buf_count: count } = line.body as Record<string, unknown>;
    if (typeof size === "number" && typeof count === "number") return { size, count };
  }
  return {};
}

// Whoever reads the text may have enough of it: head, less.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
});
main(process.argv.slice(2)).catch((error: unknown) => {
  const hint = hasCode(error, "SMP_BAD_INPUT") ? `. ${error.hint}` : "";
  console.error(`smp-trace: ${messageOf(error)}${hint}`);
  process.exitCode = 2;
});
