/** Links to virtual devices in this process. */
import { SmpError } from "../errors";
import { throwIfAborted } from "../clock";
import type { DeviceConnection } from "../device/connection";
import type { VirtualDevice } from "../device/device";
import { MAX_FRAME_BYTES } from "../framing/frame-length";
import { FrameQueue } from "./frame-queue";
import type { Link, Transport } from "./transport";

/** More than any server has buffers. */
const MAX_IN_FLIGHT = 16;

/** All that a link needs of a {@link VirtualDevice}. */
export type ConnectableDevice = Pick<VirtualDevice, "connect">;

/** The devices that there are, by name. */
export interface VirtualDevices {
  find(name: string): ConnectableDevice | undefined;
  names(): readonly string[];
}

/** Addresses are device names. */
export function virtualTransport(devices: VirtualDevices): Transport<string> {
  return {
    scheme: "virtual",
    parse: (address) => parseName(devices, address),
    key: (name) => name,
    open: async (name, signal) => {
      // A turn passes, as with every medium: an abort right after the call finds no link to clean up.
      await Promise.resolve();
      throwIfAborted(signal);
      return new VirtualLink(name, devices.find(name) ?? throwUnknown(devices, name));
    },
    discover: async (_signal, onSeen) => {
      for (const name of devices.names()) onSeen({ device: name, address: name, name, smp: true });
    },
  };
}

function parseName(devices: VirtualDevices, address: unknown): string {
  if (typeof address !== "string" || address.trim() === "") {
    throw new SmpError("SMP_BAD_INPUT", `the device must be the name of a virtual device, not ${describe(address)}`, {
      field: "device",
    });
  }
  const name = address.trim();
  if (!devices.find(name)) throwUnknown(devices, name);
  return name;
}

function throwUnknown(devices: VirtualDevices, name: string): never {
  const known = devices.names();
  const list = known.length === 0 ? "the pool has none" : `the pool has ${known.join(", ")}`;
  throw new SmpError("SMP_UNKNOWN_DEVICE", `there is no virtual device "${name}": ${list}`, { device: name });
}

function describe(value: unknown): string {
  if (typeof value === "string") return "empty text";
  if (value === null || value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

class VirtualLink implements Link {
  readonly label: string;
  readonly maxFrameBytes = MAX_FRAME_BYTES;
  readonly maxInFlight = MAX_IN_FLIGHT;
  readonly frames = new FrameQueue();
  readonly #connection: DeviceConnection;
  #over: string | undefined;

  constructor(name: string, device: ConnectableDevice) {
    this.label = `virtual:${name}`;
    this.#connection = device.connect({
      frame: (frame) => this.frames.push(frame),
      lost: (reason) => this.#lose(reason),
    });
  }

  async send(frame: Uint8Array, signal: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    if (this.#over !== undefined) throw new SmpError("SMP_LINK_LOST", `${this.label} ${this.#over}`);
    this.#connection.send(Uint8Array.from(frame));
  }

  async close(): Promise<void> {
    if (this.#over !== undefined) return;
    this.#over = "is closed";
    this.frames.end();
    this.#connection.close();
  }

  #lose(reason: string): void {
    if (this.#over !== undefined) return;
    this.#over = `was lost: ${reason}`;
    this.frames.fail(new SmpError("SMP_LINK_LOST", `${this.label} ${this.#over}`));
  }
}
