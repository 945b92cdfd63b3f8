#!/usr/bin/env node
/** `smp-trace`: reads what an SMP pool traced. */
import { once } from "node:events";
import { closeSync, openSync, writeFileSync } from "node:fs";
import { makeDevice } from "../device/cli-device";
import { packageVersion } from "../device/cli-version";
import { hasCode, messageOf, SmpError } from "../errors";
import { textBeside } from "./beside";
import { chosenLines, upTo } from "./chosen-lines";
import { deviceOptions, HELP, parseTraceCommand } from "./cli-options";
import { dissector } from "./lua";
import { pcapng } from "./pcapng";
import { isRecord, type ReadLine, type TimedLine } from "./read";
import { replayTrace } from "./replay";
import { lineOf } from "./text";

const TOLD_GAPS = 5;

async function main(args: readonly string[]): Promise<void> {
  const options = parseTraceCommand(args);
  if (options === "help") return await print(HELP);
  if (options === "version") return await print(`${packageVersion()}\n`);
  if (options === "lua") return await print(dissector());
  const lines = chosenLines(options);
  if (options.pcap === undefined && !options.replay) return await printAll(textBeside(lines, options));
  if (options.pcap !== undefined) await writeCapture(options.pcap, tellingGaps(lines));
  if (options.replay)
    await replay(options.pcap === undefined ? tellingGaps(lines) : chosenLines(options), options.replay);
}

/** What stands between the frames of a text is not seen in a capture. */
function* tellingGaps(lines: Iterable<TimedLine>): Generator<TimedLine> {
  let gaps = 0;
  for (const timedLine of lines) {
    const { line } = timedLine;
    const isGap = line.kind === "unreadable" || line.kind === "lost";
    if (isGap && ++gaps <= TOLD_GAPS) console.error(`smp-trace: ${lineOf(line, 0).slice(4)}`);
    yield timedLine;
  }
  if (gaps > TOLD_GAPS) console.error(`smp-trace: and ${gaps - TOLD_GAPS} more`);
}

async function printAll(texts: Iterable<string>): Promise<void> {
  for (const text of texts) await print(text);
}

/** Node.js waits for a pipe only when it is told nothing of an exit. */
async function print(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, "drain");
}

async function writeCapture(path: string, lines: Generator<TimedLine>): Promise<void> {
  const attempt = <T>(act: () => T): T => {
    try {
      return act();
    } catch (cause) {
      throw new SmpError("SMP_BAD_SETTING", `--pcap ${path} cannot be written: ${messageOf(cause)}`, { cause });
    }
  };
  // What is no trace takes no place of a capture that is there.
  const [, all] = upTo(lines, isRecord);
  const file = attempt(() => openSync(path, "w"));
  const written = { frames: 0 };
  for (const block of pcapng(counted(all, written))) attempt(() => writeFileSync(file, block));
  attempt(() => closeSync(file));
  await print(`${written.frames} frames in ${path}\n`);
}

function* counted(lines: Iterable<TimedLine>, count: { frames: number }): Generator<TimedLine> {
  for (const each of lines) {
    if (each.line.kind === "frame") count.frames++;
    yield each;
  }
}

async function replay(lines: Generator<TimedLine>, args: readonly string[]): Promise<void> {
  const [told, all] = upTo(lines, (line) => buffersIn(line) !== undefined);
  const device = makeDevice(deviceOptions(args, (told && buffersIn(told.line)) ?? {}), () => undefined);
  try {
    const { requests, answers, differences } = await replayTrace(untimed(all), device);
    for (const { n, command, recorded, answered } of differences) {
      await print(
        `#${n} ${command}: recorded ${JSON.stringify(recorded)}, answered ${JSON.stringify(answered) ?? "nothing"}\n`,
      );
    }
    await print(`${requests} requests, ${answers} answers compared, ${differences.length} differ\n`);
    if (differences.length > 0) process.exitCode = 1;
  } finally {
    device.close();
  }
}

function* untimed(lines: Iterable<TimedLine>): Generator<ReadLine> {
  for (const { line } of lines) yield line;
}

/** Of the recorded device, when the line tells them. */
function buffersIn(line: ReadLine): { size: number; count: number } | undefined {
  if (line.kind !== "frame" || line.command !== "os.parameters" || line.dir !== "in") return undefined;
  const { buf_size: size, buf_count: count } = (line.body ?? {}) as Record<string, unknown>;
  return typeof size === "number" && typeof count === "number" ? { size, count } : undefined;
}

function tell(error: unknown): void {
  const hint = hasCode(error, "SMP_BAD_INPUT") ? `. ${error.hint}` : "";
  console.error(`smp-trace: ${messageOf(error)}${hint}`);
  process.exitCode = 2;
}

process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  // Whoever reads the text may have enough of it: head, less.
  if (error.code !== "EPIPE") tell(error);
  process.exit();
});
main(process.argv.slice(2)).catch(tell);
