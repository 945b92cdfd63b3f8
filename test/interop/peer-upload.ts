/** One upload by one client, which is a program of its own, and what it cost. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { mcumgrctl, pythonTool } from "./peers";

/** The client's program for an upload of `file` to `address`: an IP address, whose port is 1337, or the path of a serial port. */
type Command = (address: string, file: string) => Promise<readonly string[]>;

const isSerial = (address: string): boolean => address.startsWith("/");

export const CLIENTS = {
  "this package": async (address, file) => [process.execPath, join(__dirname, "upload.mjs"), address, file],
  smpclient: async (address, file) => [await pythonTool("python"), join(__dirname, "upload.py"), address, file],
  smpmgr: async (address, file) => {
    const link = isSerial(address) ? "--port" : "--ip";
    return [await pythonTool("smpmgr"), link, address, "image", "upload", file];
  },
  mcumgrctl: async (address, file) => {
    const link = isSerial(address) ? "--serial" : "--udp";
    return [await mcumgrctl(), link, address, "--quiet", "image", "upload", file];
  },
} as const satisfies Record<string, Command>;

export type Client = keyof typeof CLIENTS;

export interface Run {
  /** What the program complained of last; undefined when it ended well. */
  readonly error: string | undefined;
  /** Of the whole program, its start included. */
  readonly elapsedMs: number;
  readonly cpuMs: number;
}

/** Longer is no upload any more. */
const GIVE_UP_MS = 180_000;

/** The shell's "time" says what a child has used. */
const TIMED = ["-c", 'TIMEFORMAT="cpu %U %S"; time "$@"', "bash"];

export async function upload(client: Client, address: string, file: string): Promise<Run> {
  const command = await CLIENTS[client](address, file);
  const { FORCE_COLOR: _, ...env } = process.env;
  const startMs = performance.now();
  const child = spawn("timeout", [`${GIVE_UP_MS / 1000}`, "bash", ...TIMED, ...command], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...env, NO_COLOR: "1", LC_ALL: "C.UTF-8", COLUMNS: "200" },
  });
  let out = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (out += text));
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  const [times, user, system] = /cpu ([\d.]+) ([\d.]+)/.exec(out) ?? ["", "0", "0"];
  return {
    error: code === 0 ? undefined : complaint(out.replace(times, "")),
    elapsedMs: performance.now() - startMs,
    cpuMs: (Number(user) + Number(system)) * 1000,
  };
}

/** Each program has its own way to say why it stops, the most telling first. */
const COMPLAINTS = [
  /^\s*╰─▶\s*(.+)/,
  /^(\w+Error: .+)/,
  /^(SMP_\w+: .+)/,
  /((?:\w+ )*(?:failed|timeout).+)/i,
  /(\S.*)/,
];

function complaint(out: string): string {
  const lines = out.split(/[\r\n]+/);
  const said = COMPLAINTS.flatMap((pattern) => lines.findLast((line) => pattern.test(line))?.match(pattern)?.[1] ?? []);
  // Python's clients dump the whole request behind it.
  return (said[0] ?? "no word").replace(/ header=.*/, "").slice(0, 120);
}
