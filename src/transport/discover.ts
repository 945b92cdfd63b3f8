/** Looks for devices, bounded in time and number. */
import { after, withDeadline } from "../clock";
import { SmpError } from "../errors";
import type { FoundDevice, Transport } from "./transport";

/** More than a person reads; a busy air has thousands of addresses. */
const MAX_DEVICES = 200;
/** How long a transport may take to come to an end. */
const END_MS = 3_000;

/** The part of a transport that looks for devices. */
export type Discovery = Pick<Transport<unknown>, "scheme" | "discover">;

/** How long, for how many and for which devices to look. */
export interface DiscoverOptions {
  /** Where not all devices are known at once. */
  readonly forMs: number;
  /** Ends when so many are found, 200. */
  readonly maxDevices?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly isWanted?: ((found: FoundDevice) => boolean) | undefined;
  /** Called once for each device, when it is first seen as it is wanted. */
  readonly onFound?: ((found: FoundDevice) => void) | undefined;
}

/**
 * @returns each wanted device once, in the order in which they were found, with what was last known of it
 * @throws SMP_BAD_SETTING where devices cannot be looked for; SMP_LINK_OPEN saying why nobody can look; the signal's reason
 */
export async function discoverDevices(
  { scheme, discover }: Discovery,
  options: DiscoverOptions,
): Promise<FoundDevice[]> {
  if (!discover) throw cannotLook(scheme);
  const { forMs, maxDevices = MAX_DEVICES, signal, isWanted = () => true, onFound = () => {} } = options;
  const found = new Map<string, FoundDevice>();
  const enough = new AbortController();
  let thrown: { readonly error: unknown } | undefined;
  const see = (device: FoundDevice): void => {
    if (enough.signal.aborted || signal?.aborted === true || !isWanted(device)) return;
    const isNew = !found.has(device.device);
    found.set(device.device, device);
    if (found.size >= maxDevices) enough.abort();
    if (isNew) onFound(device);
  };
  const seeSafely = (device: FoundDevice): void => {
    try {
      see(device);
    } catch (error) {
      thrown ??= { error };
      enough.abort();
    }
  };
  const cancel = after(forMs, () => enough.abort());
  try {
    await withDeadline(`the end of the search over ${scheme}`, forMs + END_MS, signal, (inner) =>
      discover(AbortSignal.any([inner, enough.signal]), seeSafely),
    );
  } finally {
    cancel();
  }
  if (thrown) throw thrown.error;
  return [...found.values()];
}

function cannotLook(scheme: string): SmpError {
  return new SmpError("SMP_BAD_SETTING", `devices cannot be looked for over ${scheme}`, {
    field: "link",
    hint: "Give the device's address; Bluetooth LE devices, serial ports and virtual devices can be looked for.",
  });
}
