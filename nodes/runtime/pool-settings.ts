/** The settings of the pool node, checked. */
import {
  FLOW_CONTROLS,
  FLOW_DEFAULTS,
  FRAMINGS,
  isFlowInFrames,
  PACES,
  SERIAL_DEFAULTS,
  SERIAL_RANGES,
  SmpError,
  TRANSPORTS,
  UDP_PORT,
  type BleSettings,
  type FlowSettings,
  type PaceName,
  type ProfileName,
  type Scheme,
  type SerialSettings,
  type UdpOptions,
} from "../../src/index";
import { isBlank, nonEmptyText, oneOf, optionalNumber, setting, wholeNumber } from "./checks";
import { readDemands, type Demands } from "./demands";
import type { TraceSettings } from "./pool-trace";
import { recordOf, type NodeDef } from "./red";

/** Kinds of link that a pool can have. */
const LINKS = Object.keys(TRANSPORTS) as Scheme[];
const TRIALS = ["healthy", "self-confirming", "crashing"] as const;
const MODES = ["swap-move", "swap-scratch", "swap-offset", "overwrite", "direct-xip", "direct-xip-revert"] as const;
const PROFILES = ["zephyr-4.4", "zephyr-3.5", "zephyr-3.4", "zephyr-3.2"] as const satisfies ProfileName[];
const PACE_NAMES = Object.keys(PACES) as PaceName[];
const BLE_DRIVERS = ["auto", "abandonware", "stoprocent"] as const;

/** As they stand in the flow file: from the editor, by hand, or from environment variables. */
export interface PoolConfig extends NodeDef {
  readonly [setting: string]: unknown;
}

export interface DeviceSettings {
  readonly name: string;
  readonly trial: (typeof TRIALS)[number];
}

/** What all virtual devices of a pool have in common; sizes in bytes. */
export interface HardwareSettings {
  readonly profile: (typeof PROFILES)[number];
  readonly mode: (typeof MODES)[number];
  readonly slotBytes: number;
  readonly bufSize: number;
  readonly bufCount: number;
  readonly pace: PaceName;
  /** Path of the image in slot 0; "" for the packaged one. */
  readonly factoryFirmware: string;
}

/** The settings of the links that are not chosen have their defaults. */
export interface PoolSettings {
  readonly link: Scheme;
  readonly maxSessions: number;
  readonly idleCloseMs: number;
  readonly maxWaiting: number;
  readonly attempts: number;
  readonly protocol: "auto" | 1 | 2;
  readonly demands: Demands;
  readonly devices: readonly DeviceSettings[];
  readonly hardware: HardwareSettings;
  readonly ble: BleSettings & { readonly scanMs: number };
  /** What holds where the address of a device does not say otherwise. */
  readonly serial: SerialSettings;
  readonly udp: UdpOptions;
  readonly flow: FlowSettings;
  readonly trace: TraceSettings;
}

/** A setting that is absent has the editor's default. @throws SMP_BAD_SETTING naming the first one that is wrong */
export function readPoolSettings(config: PoolConfig): PoolSettings {
  const { whole, choice } = readerOf(config);
  const link = choice("link", LINKS, "virtual");
  const protocol = choice("protocol", ["auto", "1", "2"], "auto");
  const ofLink = (each: Scheme): object => (each === link ? config : {});
  return {
    link,
    maxSessions: whole("maxSessions", 8, [1, 1000]),
    idleCloseMs: whole("idleCloseS", 30, [1, 86_400]) * 1000,
    maxWaiting: whole("maxWaiting", 32, [1, 10_000]),
    attempts: whole("attempts", 3, [1, 20]),
    protocol: protocol === "auto" ? "auto" : protocol === "1" ? 1 : 2,
    demands: readDemands(config),
    ...readVirtual(ofLink("virtual")),
    ble: readBle(ofLink("ble")),
    serial: readSerial(ofLink("serial")),
    udp: readUdp(ofLink("udp")),
    flow: readFlow(ofLink("flow")),
    trace: readTrace(config),
  };
}

function readVirtual(config: object): Pick<PoolSettings, "devices" | "hardware"> {
  const { whole, choice, value, text } = readerOf(config);
  return {
    devices: readDevices(value("devices", [{ name: "sensor-1", trial: "healthy" }])),
    hardware: {
      profile: choice("profile", PROFILES, "zephyr-4.4"),
      mode: choice("mode", MODES, "swap-move"),
      slotBytes: whole("slotKiB", 420, [16, 16_384]) * 1024,
      bufSize: whole("bufSize", 2475, [128, 65_535]),
      bufCount: whole("bufCount", 4, [1, 64]),
      pace: choice("pace", PACE_NAMES, "brisk"),
      factoryFirmware: isBlank(value("factoryFirmware", "")) ? "" : text("factoryFirmware"),
    },
  };
}

function readBle(config: object): PoolSettings["ble"] {
  const { whole, choice, optional } = readerOf(config);
  return {
    driver: choice("bleDriver", BLE_DRIVERS, "auto"),
    adapter: optional("bleAdapter", [0, 63]),
    dedicated: choice("bleChannel", ["shared", "dedicated"], "shared") === "dedicated",
    scanMs: whole("bleScanS", 15, [1, 300]) * 1000,
  };
}

function readSerial(config: object): SerialSettings {
  const { whole, choice } = readerOf(config);
  const serial: SerialSettings = {
    baudRate: whole("baudRate", SERIAL_DEFAULTS.baudRate, SERIAL_RANGES.baudRate),
    flowControl: choice("flowControl", FLOW_CONTROLS, SERIAL_DEFAULTS.flowControl),
    framing: choice("framing", FRAMINGS, SERIAL_DEFAULTS.framing),
    lineDelayMs: whole("lineDelayMs", SERIAL_DEFAULTS.lineDelayMs, SERIAL_RANGES.lineDelayMs),
  };
  if (!isFlowInFrames(serial)) return serial;
  throw new SmpError("SMP_BAD_SETTING", "flowControl is xonxoff, whose characters raw frames may hold", {
    field: "flowControl",
  });
}

function readUdp(config: object): UdpOptions {
  const { whole } = readerOf(config);
  return { port: whole("udpPort", UDP_PORT, [1, 65_535]), maxDatagramBytes: whole("maxDatagram", 1472, [128, 1472]) };
}

function readFlow(config: object): FlowSettings {
  const { whole, flag, optional } = readerOf(config);
  const perMinute = optional("flowPerMinute", [1, 60_000]);
  return {
    maxMessageBytes: whole("flowMaxMessage", FLOW_DEFAULTS.maxMessageBytes, [64, 1_048_576]),
    messagesPerSecond: perMinute === undefined ? undefined : perMinute / 60,
    maxInFlight: whole("flowInFlight", FLOW_DEFAULTS.maxInFlight, [1, 16]),
    maxRoundTripMs: whole("flowRoundTripS", FLOW_DEFAULTS.maxRoundTripMs / 1000, [1, 3600]) * 1000,
    waitForAck: flag("flowAck"),
  };
}

/** Where it is off, the rest does not count. */
function readTrace(config: object): TraceSettings {
  const to = readerOf(config).choice("trace", ["off", "file"], "off");
  const { whole, choice, value, text } = readerOf(to === "file" ? config : {});
  return {
    to,
    path: isBlank(value("traceFile", "")) ? "" : text("traceFile"),
    maxBytes: whole("traceMiB", 16, [1, 10_000]) * 1024 * 1024,
    frames: choice("traceFrames", ["described", "whole"], "described"),
  };
}

interface Reader {
  readonly value: (name: string, fallback: unknown) => unknown;
  readonly whole: (name: string, fallback: number, range: readonly [number, number]) => number;
  /** Undefined when absent or empty. */
  readonly optional: (name: string, range: readonly [number, number]) => number | undefined;
  /** That is not empty. */
  readonly text: (name: string) => string;
  readonly choice: <T extends string>(name: string, choices: readonly T[], fallback: T) => T;
  /** False when absent. */
  readonly flag: (name: string) => boolean;
}

function readerOf(config: object): Reader {
  const value = (name: string, fallback: unknown): unknown => given(recordOf(config)[name], fallback);
  return {
    value,
    whole: (name, fallback, range) => wholeNumber(setting(name), value(name, fallback), range),
    optional: (name, range) => optionalNumber(setting(name), value(name, undefined), range),
    text: (name) => nonEmptyText(setting(name), value(name, undefined)),
    choice: (name, choices, fallback) => oneOf(setting(name), value(name, fallback), choices),
    flag: (name) => oneOf(setting(name), String(value(name, false)), ["true", "false"]) === "true",
  };
}

function readDevices(list: unknown): DeviceSettings[] {
  if (!Array.isArray(list)) {
    throw new SmpError("SMP_BAD_SETTING", "devices must be a list of virtual devices", { field: "devices" });
  }
  const devices = list.map((entry: unknown, index) => {
    const { name, trial } = recordOf(entry);
    return {
      name: nonEmptyText(setting(`devices[${index}].name`), name),
      trial: oneOf(setting(`devices[${index}].trial`), given(trial, "healthy"), TRIALS),
    };
  });
  const names = new Set<string>();
  const twice = devices.find(({ name }) => names.size === names.add(name).size);
  if (!twice) return devices;
  throw new SmpError("SMP_BAD_SETTING", `two devices have the name "${twice.name}"`, {
    field: "devices",
    hint: "Give every device of the pool a name of its own.",
  });
}

function given(value: unknown, fallback: unknown): unknown {
  return value === undefined || value === null || value === "" ? fallback : value;
}
