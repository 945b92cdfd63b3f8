#!/usr/bin/env node
/** `smp-trace`: reads what an SMP pool traced. */
import { readFileSync, writeFileSync } from "node:fs";
import { makeDevice } from "../device/cli-device";
import { packageVersion } from "../device/cli-version";
import { messageOf, SmpError } from "../errors";
import { deviceOptions, HELP, parseTraceCommand, type CliOptions } from "./cli-options";
import { readDeviceLog } from "./device-log";
import { dissector } from "./lua";
import { pcapng } from "./pcapng";
import { isOf, isRecord, readTrace, timed, type ReadLine, type TimedLine } from "./read";
import { replayTrace } from "./replay";
import { lineOf, secondsOf } from "./text";

async function main(args: readonly string[]): Promise<void> {
  const options = parseTraceCommand(args);
  if (options === "help") return print(HELP);
  if (options === "version") return print(`${packageVersion()}\n`);
  if (options === "lua") return print(dissector());
  const { device } = options;
  const lines = readTrace(readFile(options.file));
  const chosen = timed(lines).filter(({ line }) => device === undefined || isOf(line, device));
  if (options.pcap !== undefined) return writeCapture(options.pcap, chosen);
  if (options.replay)
    return await replay(
      chosen.map(({ line }) => line),
      options.replay,
    );
  print(textOf(chosen, options));
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
    text: `${" ".repeat(24)} ${Number.isFinite(wallMs) ? secondsOf(wallMs - startMs) : " ".repeat(13)}  | ${text}`,
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

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(`smp-trace: ${messageOf(error)}`);
  process.exitCode = 2;
});
