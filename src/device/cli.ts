#!/usr/bin/env node
/** `smp-virtual-device`: a virtual device for anyone's SMP client. Exit code 2 for a bad option, 1 for a port in use. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { messageOf, SmpError } from "../errors";
import { type CliOptions, HELP, parseCommandLine } from "./cli-options";
import { VirtualDevice } from "./device";
import { samplePath } from "./samples";
import { serveUdp } from "./udp-server";

const print = (line: string): void => console.log(line);

async function main(args: readonly string[]): Promise<void> {
  const options = parseCommandLine(args);
  if (options === "help") return print(HELP);
  if (options === "version") return print(packageVersion());
  const device = makeDevice(options);
  const server = await serveUdp(device, options).catch((error: unknown) => {
    device.close();
    throw error;
  });
  const { host, port } = server.address;
  const where = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  const running = device.version ?? device.state;
  print(`listening on UDP ${where}, running ${running} (${options.profile}, ${options.mode}, ${options.pace})`);
  const stop = (): void => {
    device.close();
    void server.close();
  };
  process.once("SIGINT", stop).once("SIGTERM", stop);
}

function makeDevice({ files, ...options }: CliOptions): VirtualDevice {
  let hasStarted = false;
  const slots = {
    slot0: readImage("slot0", files.slot0 ?? samplePath("1.0.0")),
    slot1: readImage("slot1", files.slot1),
    image1Slot0: readImage("image1-slot0", files.image1Slot0),
    image1Slot1: readImage("image1-slot1", files.image1Slot1),
  };
  const device = new VirtualDevice({
    name: "virtual",
    ...options,
    ...slots,
    log: (line) => void (hasStarted && print(line)),
  });
  if (device.state === "off") {
    throw new SmpError("SMP_BAD_SETTING", `--slot0 ${files.slot0}: MCUboot finds no valid image in it`);
  }
  hasStarted = true;
  return device;
}

function readImage(option: string, path: string | undefined): Uint8Array | undefined {
  try {
    return path === undefined ? undefined : readFileSync(path);
  } catch (cause) {
    throw new SmpError("SMP_BAD_SETTING", `--${option} ${path} cannot be read: ${messageOf(cause)}`, { cause });
  }
}

/** The nearest package.json, whether this runs from src/ or from dist/. */
function packageVersion(folder = __dirname): string {
  try {
    return (JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { version: string }).version;
  } catch (error) {
    if (dirname(folder) === folder) throw error;
    return packageVersion(dirname(folder));
  }
}

/** What the library says of a setting, with the option that set it. */
const OPTION_OF_FIELD: Readonly<Record<string, string>> = { slotBytes: "--slot-size: " };

main(process.argv.slice(2)).catch((error: unknown) => {
  const known = error instanceof SmpError ? error : undefined;
  const option = known?.code === "SMP_IMAGE_TOO_LARGE" ? "--slot-size: " : OPTION_OF_FIELD[known?.details.field ?? ""];
  console.error(`smp-virtual-device: ${option ?? ""}${messageOf(error)}`);
  process.exitCode = known?.code === "SMP_LINK_OPEN" ? 1 : 2;
});
