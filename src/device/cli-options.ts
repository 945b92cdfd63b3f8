/** The command line of `smp-virtual-device`: every mistake is one line that names the option. */
import { parseArgs } from "node:util";
import { messageOf, SmpError } from "../errors";
import { BOOT_MODE_NUMBER, type Trial } from "./options";
import type { BootMode } from "./image-options";
import { type PaceName, PACES } from "./pace";
import { type ProfileName, PROFILES } from "./profiles";
import type { SerialLineOptions } from "./serial-line";

export interface CliOptions {
  readonly host: string;
  /** UDP port; undefined: none. */
  readonly udpPort: number | undefined;
  /** Serial line behind a TCP port; undefined: none. */
  readonly serial: (SerialLineOptions & { readonly port: number }) | undefined;
  /** Files by option; slot0 has a default. */
  readonly files: {
    readonly slot0: string | undefined;
    readonly slot1: string | undefined;
    readonly image1Slot0: string | undefined;
    readonly image1Slot1: string | undefined;
  };
  readonly mode: BootMode;
  readonly profile: ProfileName;
  readonly trial: Trial;
  readonly pace: PaceName;
  readonly imageCount: 1 | 2 | undefined;
  readonly slotBytes: number | undefined;
  readonly bufSize: number | undefined;
  readonly bufCount: number | undefined;
}

const TRIALS = ["healthy", "self-confirming", "crashing"] as const satisfies readonly Trial[];
const MODES = Object.keys(BOOT_MODE_NUMBER) as BootMode[];
const PROFILE_NAMES = Object.keys(PROFILES) as ProfileName[];
const FRAMINGS = ["console", "raw"] as const;
const PACE_NAMES = Object.keys(PACES) as PaceName[];

export const HELP = `smp-virtual-device: a device with MCUboot and an SMP server, on a UDP port or a serial line

  --udp PORT         UDP port, 0 for any that is free (default 1337, unless there is --tcp)
  --tcp PORT         TCP port of a serial line, as terminal servers have it, 0 for any that is free;
                     "socat pty,link=/tmp/ttyV0,rawer tcp:127.0.0.1:PORT" makes a serial port of it
  --framing KIND     of the serial line: ${FRAMINGS.join(", ")} (default console)
  --line-buffers N   lines that the device can hold at once, 2 on most (default: any number)
  --host ADDRESS     address to listen on (default 127.0.0.1)
  --slot0 FILE       MCUboot image that runs (default: a sample of this package)
  --slot1 FILE       image in the other slot
  --image1-slot0 FILE, --image1-slot1 FILE
                     the same for the second image
  --images 1|2       number of images (default 1, or 2 when there is a file for the second)
  --slot-size N      bytes of a slot, a multiple of 4096 (default 524288)
  --mode MODE        ${MODES.join(", ")}
                     (default swap-move)
  --profile NAME     ${PROFILE_NAMES.join(", ")}
                     (default zephyr-4.4); mcuboot-recovery starts in the bootloader's serial recovery
  --buf-size N       bytes of a server buffer (default: the profile's)
  --buf-count N      number of server buffers (default: the profile's)
  --trial KIND       what an image does while it is not confirmed: ${TRIALS.join(", ")}
                     (default healthy)
  --pace PACE        ${PACE_NAMES.join(", ")} (default brisk)
  --help, --version

Numbers may be written as 0x1000.
`;

const OPTIONS = {
  udp: { type: "string" },
  tcp: { type: "string" },
  framing: { type: "string" },
  "line-buffers": { type: "string" },
  host: { type: "string" },
  slot0: { type: "string" },
  slot1: { type: "string" },
  "image1-slot0": { type: "string" },
  "image1-slot1": { type: "string" },
  images: { type: "string" },
  "slot-size": { type: "string" },
  mode: { type: "string" },
  profile: { type: "string" },
  "buf-size": { type: "string" },
  "buf-count": { type: "string" },
  trial: { type: "string" },
  pace: { type: "string" },
  help: { type: "boolean" },
  version: { type: "boolean" },
} as const;

type Values = { [K in keyof typeof OPTIONS]?: string | boolean };

/** @throws SMP_BAD_SETTING that names the option */
export function parseCommandLine(args: readonly string[]): CliOptions | "help" | "version" {
  const values = rawValues(args);
  if (values.help) return "help";
  if (values.version) return "version";
  const images = number(values, "images", [1, 2]);
  const second = (["image1-slot0", "image1-slot1"] as const).find((name) => values[name] !== undefined);
  if (images === 1 && second) throw bad("images", `is 1, but --${second} gives a file for a second image`);
  return {
    host: text(values, "host") ?? "127.0.0.1",
    udpPort: number(values, "udp", [0, 65_535]) ?? (values.tcp === undefined ? 1337 : undefined),
    serial: serialLine(values),
    files: {
      slot0: text(values, "slot0"),
      slot1: text(values, "slot1"),
      image1Slot0: text(values, "image1-slot0"),
      image1Slot1: text(values, "image1-slot1"),
    },
    mode: oneOf(values, "mode", MODES, "swap-move"),
    profile: oneOf(values, "profile", PROFILE_NAMES, "zephyr-4.4"),
    trial: oneOf(values, "trial", TRIALS, "healthy"),
    pace: oneOf(values, "pace", PACE_NAMES, "brisk"),
    imageCount: images === 1 || images === 2 ? images : undefined,
    slotBytes: number(values, "slot-size", [4096, 0x1000_0000]),
    bufSize: number(values, "buf-size", [64, 65_535]),
    bufCount: number(values, "buf-count", [1, 255]),
  };
}

function serialLine(values: Values): CliOptions["serial"] {
  const port = number(values, "tcp", [0, 65_535]);
  const lineBuffers = number(values, "line-buffers", [1, 255]);
  if (port !== undefined) return { port, framing: oneOf(values, "framing", FRAMINGS, "console"), lineBuffers };
  const useless = (["framing", "line-buffers"] as const).find((name) => values[name] !== undefined);
  if (useless) throw bad(useless, "is for a serial line: give --tcp as well");
  return undefined;
}

function rawValues(args: readonly string[]): Values {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: false }).values;
  } catch (cause) {
    const [sentence] = messageOf(cause).split(/\.\s/);
    throw new SmpError("SMP_BAD_SETTING", sentence!, { cause });
  }
}

function text(values: Values, name: keyof Values): string | undefined {
  const value = values[name];
  if (value === "") throw bad(name, "needs a value");
  return typeof value === "string" ? value : undefined;
}

function number(values: Values, name: keyof Values, range: readonly [number, number]): number | undefined {
  const value = text(values, name);
  if (value === undefined) return undefined;
  const [lowest, highest] = range;
  const parsed = /^(0x[0-9a-f]+|\d+)$/i.test(value) ? Number(value) : Number.NaN;
  if (parsed >= lowest && parsed <= highest) return parsed;
  throw bad(name, `is "${value}", expected a number from ${lowest} to ${highest}`);
}

function oneOf<T extends string>(values: Values, name: keyof Values, choices: readonly T[], fallback: T): T {
  const value = text(values, name);
  if (value === undefined) return fallback;
  const choice = choices.find((known) => known === value);
  if (choice === undefined) throw bad(name, `is "${value}", expected one of ${choices.join(", ")}`);
  return choice;
}

function bad(name: string, what: string): SmpError {
  return new SmpError("SMP_BAD_SETTING", `--${name} ${what}`, { field: name });
}
