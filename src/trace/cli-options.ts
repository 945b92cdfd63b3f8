/** The command line of `smp-trace`. */
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { parseCommandLine, type CliOptions as DeviceOptions } from "../device/cli-options";
import { messageOf, SmpError } from "../errors";

export interface CliOptions {
  readonly file: string;
  /** Only of this device. */
  readonly device: string | undefined;
  readonly hex: boolean;
  /** The device's own log. */
  readonly log: string | undefined;
  /** When the device's uptime was 0, in seconds after the first record. */
  readonly logOffsetS: number;
  readonly pcap: string | undefined;
  /** Arguments of `smp-virtual-device` to replay against; undefined: no replay. */
  readonly replay: readonly string[] | undefined;
}

export const HELP = `smp-trace FILE: a trace that an SMP pool wrote, as text

  --device NAME       only the frames of one device
  --hex               with the bytes of each frame, as far as they were recorded
  --log FILE          with the lines of the device's own log between, by their times: "2026-01-31 10:00:00.123 …"
                      as terminals write them, or Zephyr's uptime "[00:00:12.345,678] …", which after a reboot goes on
                      from the line before
  --log-offset=S      the device's uptime was 0 this many seconds after the trace's first line (default 0);
                      --log-offset=-3600: it had run for an hour
  --pcap OUT          writes a capture for Wireshark (pcapng) instead
  --replay            sends the requests to a virtual device instead and compares the answers; needs whole frames;
                      options of smp-virtual-device may follow: smp-trace FILE --replay -- --slot0 old.bin
  --lua               prints a dissector that teaches Wireshark SMP; no FILE is needed
  --help, --version

Ends with 1 when a replayed answer differs, with 2 for a bad option or file.
`;

const OPTIONS = {
  device: { type: "string" },
  hex: { type: "boolean", default: false },
  log: { type: "string" },
  "log-offset": { type: "string", default: "0" },
  pcap: { type: "string" },
  replay: { type: "boolean", default: false },
  lua: { type: "boolean" },
  help: { type: "boolean" },
  version: { type: "boolean" },
} as const;

/** @throws SMP_BAD_SETTING that says what is wrong */
export function parseTraceCommand(args: readonly string[]): CliOptions | "help" | "version" | "lua" {
  const end = args.indexOf("--");
  const own = end < 0 ? args : args.slice(0, end);
  const { values, positionals } = parse(own);
  for (const name of ["help", "version", "lua"] as const) if (values[name]) return name;
  const [file, ...more] = positionals;
  if (file === undefined || more.length > 0) throw bad(`give one trace file, not ${positionals.length}`);
  const { replay, device, log, pcap, hex } = values;
  if (end >= 0 && !replay) throw bad('options after "--" need --replay');
  checkCapture(pcap, file);
  const logOffsetS = seconds("log-offset", values["log-offset"]);
  return { file, device, log, logOffsetS, pcap, hex, replay: replay ? args.slice(own.length + 1) : undefined };
}

/**
 * The virtual device to replay against: as fast as can be, and with the recorded device's buffers, unless told otherwise.
 * @throws SMP_BAD_SETTING that names the option
 */
export function deviceOptions(args: readonly string[], buffers: { size?: number; count?: number }): DeviceOptions {
  const found = [
    ...(buffers.size === undefined ? [] : ["--buf-size", String(buffers.size)]),
    ...(buffers.count === undefined ? [] : ["--buf-count", String(buffers.count)]),
  ];
  const options = parseCommandLine(["--pace", "instant", ...found, ...args]);
  if (typeof options === "string") throw bad(`--${options} does not go with --replay`);
  return options;
}

function checkCapture(pcap: string | undefined, file: string): void {
  if (pcap !== undefined && resolve(pcap) === resolve(file)) throw bad(`--pcap ${pcap} is the trace itself`);
}

function seconds(name: string, text: string): number {
  const number = Number(text.trim() || NaN);
  if (Number.isFinite(number)) return number;
  throw bad(`--${name} must be a number of seconds, got "${text}"`);
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (cause) {
    throw bad(messageOf(cause), cause);
  }
}

function bad(why: string, cause?: unknown): SmpError {
  return new SmpError("SMP_BAD_SETTING", why, { cause });
}
