#!/usr/bin/env node
/** `smp-virtual-device`: a virtual device for anyone's SMP client. Exit code 2 for a bad option, 1 for a port in use. */
import { messageOf, SmpError } from "../errors";
import { type CliOptions, HELP, parseCommandLine } from "./cli-options";
import { makeDevice } from "./cli-device";
import { packageVersion } from "./cli-version";
import type { VirtualDevice } from "./device";
import { serveSerial } from "./serial-server";
import { serveUdp } from "./udp-server";

const print = (line: string): void => console.log(line);

async function main(args: readonly string[]): Promise<void> {
  const options = parseCommandLine(args);
  if (options === "help") return print(HELP);
  if (options === "version") return print(packageVersion());
  const device = makeDevice(options, print);
  const servers = await listen(device, options).catch((error: unknown) => {
    device.close();
    throw error;
  });
  const where = servers.map(({ name, address }) => `${name} ${formatAddress(address)}`).join(" and ");
  const running = device.version ?? device.state;
  print(`listening on ${where}, running ${running} (${options.profile}, ${options.mode}, ${options.pace})`);
  const stop = (): void => {
    device.close();
    servers.forEach((server) => void server.close());
  };
  process.once("SIGINT", stop).once("SIGTERM", stop);
}

interface Listening {
  readonly name: string;
  readonly address: { readonly host: string; readonly port: number };
  close(): Promise<void>;
}

async function listen(device: VirtualDevice, { host, udpPort, serial }: CliOptions): Promise<Listening[]> {
  const servers: Listening[] = [];
  const add = (name: string, { address, close }: Omit<Listening, "name">): void =>
    void servers.push({ name, address, close });
  try {
    if (udpPort !== undefined) {
      const server = await serveUdp(device, { host, port: udpPort });
      add("UDP", { address: server.address, close: () => server.close() });
    }
    if (serial) add(`TCP (serial, ${serial.framing})`, await serveSerial(device, { host, ...serial }));
    return servers;
  } catch (error) {
    await Promise.all(servers.map((server) => server.close()));
    throw error;
  }
}

function formatAddress({ host, port }: Listening["address"]): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** What the library says of a setting, with the option that set it. */
const OPTION_OF_FIELD: Readonly<Record<string, string>> = { slotBytes: "--slot-size: " };

main(process.argv.slice(2)).catch((error: unknown) => {
  const known = error instanceof SmpError ? error : undefined;
  const option = known?.code === "SMP_IMAGE_TOO_LARGE" ? "--slot-size: " : OPTION_OF_FIELD[known?.details.field ?? ""];
  console.error(`smp-virtual-device: ${option ?? ""}${messageOf(error)}`);
  process.exitCode = known?.code === "SMP_LINK_OPEN" ? 1 : 2;
});
