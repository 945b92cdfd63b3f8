/** What this machine says about Bluetooth and its rights, for explanations. */
import { existsSync, readdirSync, readFileSync } from "node:fs";

export interface Surroundings {
  readonly platform: NodeJS.Platform;
  readonly isContainer: boolean;
  readonly isRaspberryPi: boolean;
  /** Names of the adapters that the kernel has ("hci0"); undefined where it has no Bluetooth, or is not Linux. */
  readonly adapters: readonly string[] | undefined;
  /** CAP_NET_RAW; undefined when unknown. */
  readonly mayUseRawSockets: boolean | undefined;
}

const CAP_NET_RAW = 13n;

export function lookAround(): Surroundings {
  return {
    platform: process.platform,
    isContainer: existsSync("/.dockerenv") || existsSync("/run/.containerenv"),
    isRaspberryPi: read("/proc/device-tree/model")?.includes("Raspberry Pi") ?? false,
    adapters: list("/sys/class/bluetooth")?.filter((name) => /^hci\d+$/.test(name)),
    mayUseRawSockets: hasCapability(CAP_NET_RAW),
  };
}

function hasCapability(bit: bigint): boolean | undefined {
  const hex = /^CapEff:\s*([0-9a-f]+)$/m.exec(read("/proc/self/status") ?? "")?.[1];
  return hex === undefined ? undefined : ((BigInt(`0x${hex}`) >> bit) & 1n) === 1n;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

function list(path: string): string[] | undefined {
  try {
    return readdirSync(path);
  } catch {
    return undefined;
  }
}
