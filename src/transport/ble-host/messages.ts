/** What the process in which noble lives and its parent say to each other. Every link and every scan is a task with a number. */
import type { SmpErrorCode } from "../../errors";

export type DriverChoice = "auto" | "abandonware" | "stoprocent";

export interface HostSettings {
  readonly driver: DriverChoice;
  /** n of "hci<n>" on Linux; undefined for the system's first. */
  readonly adapter: number | undefined;
  /** Over the HCI user channel: the adapter belongs to this process alone (Linux; it must be down). */
  readonly dedicated: boolean;
}

/**
 * Which peripheral is meant: the one with this address (on macOS its identifier), or else the one that has this name and
 * advertises this service, as far as they are given.
 */
export interface BleIdentity {
  /** Hex digits in lower case, without separators. */
  readonly address?: string;
  /** Exactly as advertised. */
  readonly name?: string;
  /** UUID in lower case, without dashes. */
  readonly service?: string;
}

/** A device as a scan shows it. */
export interface BleAdvert {
  /** As for {@link BleIdentity}; with colons where it is a Bluetooth address. */
  readonly address: string;
  readonly name: string | undefined;
  /** In dBm. */
  readonly rssi: number;
  readonly connectable: boolean;
  readonly services: readonly string[];
  /** Whether the SMP service is among them; many devices that have it do not advertise it. */
  readonly smp: boolean;
}

/** What a link turned out to be. */
export interface BleLinkFacts {
  readonly address: string;
  readonly name: string | undefined;
  readonly driver: Exclude<DriverChoice, "auto">;
  /** Effective ATT MTU in bytes; a guess where the platform does not tell. */
  readonly mtu: number;
  readonly fragmentBytes: number;
  /** As far as the controller tells (Linux). */
  readonly intervalMs: number | undefined;
  readonly supervisionTimeoutMs: number | undefined;
}

export interface HostError {
  readonly code: SmpErrorCode;
  readonly message: string;
  readonly hint: string;
  readonly retryable: boolean;
}

export type ToHost =
  | { readonly type: "ping" }
  | { readonly type: "open"; readonly task: number; readonly wanted: BleIdentity; readonly scanMs: number }
  | { readonly type: "send"; readonly task: number; readonly ticket: number; readonly frame: Uint8Array }
  /** Clears what the device holds of a half frame. */
  | { readonly type: "resync"; readonly task: number; readonly ticket: number }
  | { readonly type: "scan"; readonly task: number }
  /** Ends a task whatever it is at; answered by "ended". */
  | { readonly type: "end"; readonly task: number };

export type FromHost =
  | { readonly type: "pong" }
  | { readonly type: "opened"; readonly task: number; readonly facts: BleLinkFacts }
  | { readonly type: "piece"; readonly task: number; readonly bytes: Uint8Array }
  | { readonly type: "done"; readonly task: number; readonly ticket: number; readonly error?: string }
  | { readonly type: "found"; readonly task: number; readonly advert: BleAdvert }
  /** The task ended by itself: it failed, or its link was lost. */
  | { readonly type: "failed"; readonly task: number; readonly error: HostError }
  | { readonly type: "ended"; readonly task: number }
  /** The adapter is not usable: whoever wants to try again needs a new process. */
  | { readonly type: "worn-out" };

/** Service and characteristic of SMP over Bluetooth LE, as noble writes UUIDs. https://docs.zephyrproject.org/latest/services/device_mgmt/smp_transport.html */
export const SMP_SERVICE = "8d53dc1d1db74cd3868b8a527460aa84";
export const SMP_CHARACTERISTIC = "da2e7828fbce4e01ae9e261174997c48";
