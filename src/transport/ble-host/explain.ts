/** Why Bluetooth does not work here, and what to do about it. */
import { messageOf, SmpError } from "../../errors";
import type { HostSettings } from "./messages";
import { lookAround, type Surroundings } from "./surroundings";

type Explanation = readonly [why: string, hint: string];

const INSTALL =
  'Run "npm install @abandonware/noble" (compiles; needs python3, make, g++) or "npm install @stoprocent/noble" (has ready-made ' +
  "binaries) in Node-RED's user directory, usually ~/.node-red, and restart Node-RED.";

/** Why a package of noble could not be loaded. */
export function explainLoad(packageName: string, error: unknown): SmpError {
  const message = messageOf(error).split("\n")[0]!;
  const isMissing = codeOf(error) === "MODULE_NOT_FOUND" && message.includes(`'${packageName}`);
  if (isMissing) return notUsable(`the package ${packageName} is not installed`, INSTALL);
  if (/\.node'|bindings file|native build/i.test(message)) {
    return notUsable(
      `the package ${packageName} is installed, but was not compiled for this system: ${message}`,
      `Run "npm rebuild ${packageName} --foreground-scripts" in Node-RED's user directory with python3, make and g++ there ` +
        "(npm must be allowed to run install scripts), or install @stoprocent/noble, which has ready-made binaries.",
    );
  }
  if (/EAFNOSUPPORT|address family not supported/i.test(`${codeOf(error)} ${message}`)) return explainNoAdapter();
  return problem(
    `the package ${packageName} could not be loaded: ${message}`,
    "Install the package anew, or use the other driver.",
  );
}

/** Neither package can be used. */
export function explainNoDriver(problems: readonly SmpError[]): SmpError {
  const telling = problems.find(({ hint }) => hint !== INSTALL) ?? problems[0]!;
  const retryable = problems.some((one) => one.retryable);
  const message = problems.map((one) => one.message).join("; ");
  return new SmpError("SMP_LINK_OPEN", message, { hint: telling.hint, retryable });
}

/** Why an adapter in this state, as noble names it, cannot be used. */
export function explainState(state: string, { adapter }: HostSettings, found = lookAround()): SmpError {
  const name = adapter === undefined ? "the Bluetooth adapter" : `the Bluetooth adapter hci${adapter}`;
  const onLinux = found.platform === "linux" ? explainLinux(state, name, adapter, found) : undefined;
  return onLinux ?? problem(...(ELSEWHERE[state] ?? ELSEWHERE["unknown"]!)(name));
}

function explainLinux(
  state: string,
  name: string,
  adapter: number | undefined,
  found: Surroundings,
): SmpError | undefined {
  if (state === "poweredOff") return problem(...poweredOff(name, found));
  if (state === "unauthorized") return problem(...forbidden(name, found));
  const { adapters = [] } = found;
  const isThere = adapter === undefined ? adapters.length > 0 : adapters.includes(`hci${adapter}`);
  if (!isThere) return explainNoAdapter(name, found);
  return found.mayUseRawSockets === false ? problem(...forbidden(name, found)) : undefined;
}

/** @param name of the adapter that is wanted */
function explainNoAdapter(name = "a Bluetooth adapter", found = lookAround()): SmpError {
  const has = found.adapters?.length ? `; the system has ${found.adapters.join(", ")}` : "";
  const hint = found.isContainer
    ? "Start the container with --network=host and --cap-add=NET_RAW --cap-add=NET_ADMIN: only the host's network namespace has its adapters."
    : found.isRaspberryPi
      ? 'Look at "hciconfig -a" and "dmesg | grep -i bluetooth"; remove dtoverlay=disable-bt from the boot configuration, and see that the hciuart service runs.'
      : 'Plug one in and look at "hciconfig -a"; the kernel needs its bluetooth module, and a virtual machine needs the USB device passed through.';
  return problem(
    found.adapters ? `${name} is not there${has}` : `${name} is not there: this system has no Bluetooth`,
    hint,
  );
}

/** What to do about a device that wants an encrypted or authenticated link. */
export function pairingHint(platform: NodeJS.Platform = process.platform): string {
  const firmware = "or build the firmware with CONFIG_MCUMGR_TRANSPORT_BT_PERM_RW_ENCRYPT or _RW";
  if (platform === "linux") {
    return (
      'Pair it with the system: "bluetoothctl", "pair <address>", "trust <address>", then use the driver @stoprocent/noble with ' +
      `NOBLE_BINDINGS=dbus in Node-RED's environment, which uses the system's pairing; ${firmware}.`
    );
  }
  if (platform === "darwin")
    return `Accept the pairing request that macOS shows when the link opens, and try again; ${firmware}.`;
  return `Pair it in Settings, Bluetooth & devices, Add device, and try again; ${firmware}.`;
}

function poweredOff(name: string, { isContainer, isRaspberryPi }: Surroundings): Explanation {
  const unblock = 'Switch it on: "rfkill unblock bluetooth", then "hciconfig hci0 up" or "bluetoothctl power on"';
  const where = isContainer
    ? ", on the container's host"
    : isRaspberryPi
      ? " (on a Raspberry Pi it starts blocked until a country is set)"
      : "";
  return [`${name} is switched off`, `${unblock}${where}.`];
}

function forbidden(name: string, { isContainer }: Surroundings): Explanation {
  const hint = isContainer
    ? "Start the container with --network=host and --cap-add=NET_RAW --cap-add=NET_ADMIN."
    : 'Give Node-RED the right CAP_NET_RAW: AmbientCapabilities=CAP_NET_RAW in its systemd unit, or "sudo setcap cap_net_raw+eip $(readlink -f $(which node))".';
  return [`Node-RED has no permission to use ${name}`, hint];
}

const ELSEWHERE: Readonly<Record<string, (name: string) => Explanation>> = {
  poweredOff: (name) => [`${name} is switched off`, "Switch Bluetooth on in the system's settings."],
  unauthorized: (name) => [
    `the system does not let this program use ${name}`,
    "Allow Bluetooth for the terminal or service that runs Node-RED: System Settings, Privacy & Security, Bluetooth.",
  ],
  unsupported: (name) => [`${name} is missing or has no Bluetooth LE`, "Use an adapter with Bluetooth 4.0 or later."],
  unknown: (name) => [
    `${name} does not say whether it is on`,
    "Check that it is plugged in and switched on, and that no other program has it for itself.",
  ],
};

function problem(why: string, hint: string): SmpError {
  return new SmpError("SMP_LINK_OPEN", why, { hint });
}

/** Trying again does not help. */
function notUsable(why: string, hint: string): SmpError {
  return new SmpError("SMP_LINK_OPEN", why, { hint, retryable: false });
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
