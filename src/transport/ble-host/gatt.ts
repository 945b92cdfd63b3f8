/** From a fresh connection to a subscribed SMP characteristic. Everything is discovered anew: what noble knew of an earlier connection is void. */
import { raceAbort } from "../../clock";
import { hasCode, SmpError } from "../../errors";
import { answered, type Awaited } from "./answered";
import { pairingHint } from "./explain";
import { SMP_CHARACTERISTIC, SMP_SERVICE } from "./messages";
import type { Characteristic, LinkLayerEvent, Peripheral, Service } from "./noble";

const DISCOVER_MS = 8_000;
/** Time for noble's own pairing ("Just Works"), too. */
const SUBSCRIBE_MS = 8_000;

const MTU_REQUEST = 0x02;
const WRITE_REQUEST = 0x12;
const INVALID_PDU = 0x04;
/** ATT errors: insufficient authentication, authorization, encryption key size, encryption. */
const NEEDS_PAIRING: ReadonlySet<number> = new Set([0x05, 0x08, 0x0c, 0x0f]);

/** Hears what happens on the link beneath; the returned function ends it. */
export type Listen = (listener: (event: LinkLayerEvent) => void) => () => void;

/** @throws SMP_LINK_OPEN when the device does not speak SMP; SMP_TIMEOUT; the signal's reason */
export async function findCharacteristic(
  peripheral: Peripheral,
  listen: Listen,
  signal: AbortSignal,
): Promise<Characteristic> {
  const refusal = new AbortController();
  const endListening = listen((event) => {
    const isRefusal = event.type === "att-error" && event.request === MTU_REQUEST && event.code === INVALID_PDU;
    if (isRefusal) refusal.abort(brokenMtuExchange());
  });
  try {
    return await raceAbort(refusal.signal, discoverSmp(peripheral, signal));
  } finally {
    endListening();
  }
}

async function discoverSmp(peripheral: Peripheral, signal: AbortSignal): Promise<Characteristic> {
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
    const isTimeout = hasCode(error, "SMP_TIMEOUT") && !signal.aborted;
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

/** noble then waits for ever: nothing more can be asked over this connection. */
function brokenMtuExchange(): SmpError {
  return new SmpError(
    "SMP_LINK_OPEN",
    "it answers the exchange of the MTU with ATT error 0x04 (invalid PDU), which noble cannot live with",
    {
      hint: "The firmware's ATT server violates the specification; with the driver @stoprocent/noble and NOBLE_BINDINGS=dbus the system's own stack is used.",
    },
  );
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
