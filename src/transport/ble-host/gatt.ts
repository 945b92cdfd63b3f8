/** From a fresh connection to a subscribed SMP characteristic. Everything is discovered anew: what noble knew of an earlier connection is void. */
import { raceAbort } from "../../clock";
import { SmpError } from "../../errors";
import { answered, type Awaited } from "./answered";
import { pairingHint } from "./explain";
import { SMP_CHARACTERISTIC, SMP_SERVICE } from "./messages";
import type { Characteristic, LinkLayerEvent, Peripheral, Service } from "./noble";

const DISCOVER_MS = 8_000;
/** Time for noble's own pairing ("Just Works"), too. */
const SUBSCRIBE_MS = 8_000;

const WRITE_REQUEST = 0x12;
/** ATT errors: insufficient authentication, authorization, encryption key size, encryption. */
const NEEDS_PAIRING: ReadonlySet<number> = new Set([0x05, 0x08, 0x0c, 0x0f]);

/** @throws SMP_LINK_OPEN when the device does not speak SMP; SMP_TIMEOUT; the signal's reason */
export async function findCharacteristic(peripheral: Peripheral, signal: AbortSignal): Promise<Characteristic> {
  const service = await discover<Service>(peripheral, "servicesDiscover", within("the list of its services"), () =>
    peripheral.discoverServices([SMP_SERVICE]),
  );
  if (!service) throw withoutSmp("has no SMP service");
  const characteristic = await discover<Characteristic>(
    service,
    "characteristicsDiscover",
    within("the list of its characteristics"),
    () => service.discoverCharacteristics([SMP_CHARACTERISTIC]),
  );
  if (!characteristic) throw withoutSmp("has no SMP characteristic");
  const missing = ["writeWithoutResponse", "notify"].filter(
    (property) => !characteristic.properties.includes(property),
  );
  if (missing.length > 0) throw withoutSmp(`has an SMP characteristic without ${missing.join(" and ")}`);
  return characteristic;

  function within(what: string): Awaited {
    return { what, withinMs: DISCOVER_MS, signal };
  }
}

/** What a subscription needs to know of the link beneath it. */
export type Listen = (listener: (event: LinkLayerEvent) => void) => () => void;

/** @throws SMP_LINK_OPEN when the device refuses, saying why; SMP_TIMEOUT; the signal's reason */
export async function subscribe(characteristic: Characteristic, listen: Listen, signal: AbortSignal): Promise<void> {
  const refusal = new AbortController();
  let errorCode: number | undefined;
  const endListening = listen((event) => {
    if (event.type === "pairing-failed")
      refusal.abort(demandsPairing(errorCode, `pairing failed with reason ${hex(event.reason)}`));
    if (event.type !== "att-error" || event.request !== WRITE_REQUEST) return;
    // The first such error makes noble pair and try again.
    const isFirst = errorCode === undefined;
    errorCode = event.code;
    if (!NEEDS_PAIRING.has(event.code)) refusal.abort(refused(event.code));
    else if (!isFirst) refusal.abort(demandsPairing(event.code, "pairing without a key was not enough"));
  });
  try {
    const awaited = { what: "the subscription to its answers", withinMs: SUBSCRIBE_MS, signal };
    const [, error] = await raceAbort(
      refusal.signal,
      answered(characteristic, "notify", awaited, () => characteristic.subscribe()),
    );
    if (error) throw new SmpError("SMP_LINK_OPEN", `it refuses to notify: ${String(error)}`, { hint: pairingHint() });
  } catch (error) {
    const isTimeout = error instanceof SmpError && error.code === "SMP_TIMEOUT" && !signal.aborted;
    throw isTimeout && errorCode !== undefined ? demandsPairing(errorCode, "it does not answer to pairing") : error;
  } finally {
    endListening();
  }
}

async function discover<T>(
  from: Peripheral | Service,
  event: string,
  awaited: Awaited,
  start: () => void,
): Promise<T | undefined> {
  // Of an attempt that was given up: they would run a second discovery that voids this one's results.
  from.removeAllListeners(event);
  const [list, error] = (await answered(from, event, awaited, start)) as [T[] | undefined, unknown];
  if (error) throw new SmpError("SMP_LINK_LOST", `${awaited.what} failed: ${String(error)}`, { cause: error });
  return list?.[0];
}

function withoutSmp(how: string): SmpError {
  return new SmpError("SMP_LINK_OPEN", `it is connected, but ${how}`, {
    hint: "Build the firmware with CONFIG_MCUMGR and CONFIG_MCUMGR_TRANSPORT_BT, or choose the right device.",
  });
}

function refused(code: number): SmpError {
  return new SmpError("SMP_LINK_OPEN", `it refuses to notify: ATT error ${hex(code)}`, {
    hint: "The firmware's SMP characteristic does not let this client subscribe; see the device's log.",
  });
}

function demandsPairing(code: number | undefined, detail: string): SmpError {
  const said = code === undefined ? "" : ` (ATT error ${hex(code)})`;
  return new SmpError("SMP_LINK_OPEN", `the device demands pairing${said}: ${detail}`, { hint: pairingHint() });
}

function hex(code: number): string {
  return `0x${code.toString(16).padStart(2, "0")}`;
}
