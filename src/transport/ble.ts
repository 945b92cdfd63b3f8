/**
 * SMP over Bluetooth LE (Zephyr smp_bt.c): a frame is cut into writes without response, an answer comes as notifications. noble does
 * the work, in a process of its own for each adapter.
 */
import { raceAbort, throwIfAborted } from "../clock";
import { SmpError } from "../errors";
import { keyOf, parseBleAddress } from "./ble-address";
import type { BleAdvert, BleIdentity, DriverChoice, ToHost } from "./ble-host/messages";
import { errorOf, type HostProcess, type HostProcessOptions } from "./ble-host-process";
import { type AdapterHost, adapterHost } from "./ble-hosts";
import { BleLink } from "./ble-link";
import type { FoundDevice, Transport } from "./transport";

const SCAN_MS = 15_000;

/** What all peripherals that are reached through an adapter have in common. */
export interface BleSettings {
  /** Which fork of noble: "abandonware", "stoprocent", or "auto" (the default) for whatever is installed. */
  readonly driver?: DriverChoice | undefined;
  /** n of "hci<n>" on Linux; the system's first by default. */
  readonly adapter?: number | undefined;
  /** Use the adapter over the HCI user channel (Linux): it must be down, and belongs to this program alone. */
  readonly dedicated?: boolean | undefined;
  /** How long to wait for a device's advertisement, default 15 s. */
  readonly scanMs?: number | undefined;
}

/** Links through one adapter of this machine, whose process all links share. */
export interface BleTransport extends Transport<BleIdentity> {
  open(address: BleIdentity, signal: AbortSignal): Promise<BleLink>;
  /** Tells each advertisement until the signal aborts. @throws SMP_LINK_OPEN saying why the adapter cannot be used */
  scan(signal: AbortSignal, onAdvert: (advert: BleAdvert) => void): Promise<void>;
  /** Ends the adapter's process, and with it all links through the adapter. */
  stop(): void;
  /** Of the adapter's process while it runs. */
  readonly pid: number | undefined;
}

/** @param options of the process in which noble lives */
export function bleTransport(settings: BleSettings = {}, options: HostProcessOptions = {}): BleTransport {
  const { driver = "auto", adapter, dedicated = false, scanMs = SCAN_MS } = settings;
  const host = adapterHost({ driver, adapter, dedicated }, options);
  return {
    scheme: "ble",
    parse: parseBleAddress,
    key: keyOf,
    open: (address, signal) => openLink(host, address, scanMs, signal),
    scan: (signal, onAdvert) => scan(host, signal, onAdvert),
    discover: (signal, onSeen) => scan(host, signal, (advert) => onSeen(foundDevice(advert))),
    stop: () => host.stop(),
    get pid() {
      return host.pid;
    },
  };
}

async function openLink(host: AdapterHost, wanted: BleIdentity, scanMs: number, signal: AbortSignal): Promise<BleLink> {
  throwIfAborted(signal);
  const label = `ble:${keyOf(wanted)}`;
  let begun: { readonly process: HostProcess; readonly number: number } | undefined;
  const link: BleLink = new BleLink(label, (message) => begun?.process.tell(message(begun.number)));
  begun = host.begin(link, (task): ToHost => ({ type: "open", task, wanted, scanMs }));
  try {
    await raceAbort(signal, link.opened);
    throwIfAborted(signal);
    return link;
  } catch (error) {
    void link.close();
    throwIfAborted(signal);
    if (!(error instanceof SmpError)) throw error;
    const { hint, retryable } = error;
    throw new SmpError("SMP_LINK_OPEN", `cannot open ${label}: ${error.message}`, { cause: error, hint, retryable });
  }
}

function foundDevice({ address, name, rssi, smp }: BleAdvert): FoundDevice {
  return { device: address, address, ...(name !== undefined && { name }), rssi, smp };
}

function scan(host: AdapterHost, signal: AbortSignal, onAdvert: (advert: BleAdvert) => void): Promise<void> {
  throwIfAborted(signal);
  return new Promise((resolve, reject) => {
    const end = (): void => begun.process.tell({ type: "end", task: begun.number });
    const settle = (error?: SmpError): void => {
      signal.removeEventListener("abort", end);
      if (error && !signal.aborted) reject(error);
      else resolve();
    };
    const begun = host.begin(
      {
        take: (message) => {
          if (message.type === "found") onAdvert(message.advert);
          else if (message.type === "failed") settle(errorOf(message.error));
          else if (message.type === "ended") settle();
        },
        gone: settle,
      },
      (task): ToHost => ({ type: "scan", task }),
    );
    signal.addEventListener("abort", end, { once: true });
  });
}
