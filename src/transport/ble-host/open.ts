/**
 * Opens a link: adapter on ─► fresh advertisement ─► scan pauses ─► connect ─► discover ─► MTU ─► subscribe.
 * Any step ends with its deadline, with the loss of link or adapter, or when it is not wanted any more.
 */
import { abortReason, sleep } from "../../clock";
import { hasCode, messageOf, SmpError } from "../../errors";
import type { Adapter } from "./adapter";
import { disconnectReason } from "./disconnect-reason";
import { findFresh, type Found } from "./find";
import { findCharacteristic, type Listen, subscribe } from "./gatt";
import { HostLink } from "./host-link";
import { addressOf, nameOf } from "./identity";
import type { BleIdentity, BleLinkFacts } from "./messages";
import { effectiveMtu, fragmentBytes } from "./mtu";
import type { Peripheral } from "./noble";

/** Controllers of small gateways lose many links right after they were made. */
const ATTEMPTS = 3;
const PAUSE_MS = 250;

/** @throws SMP_LINK_OPEN, SMP_TIMEOUT or SMP_LINK_LOST saying what went wrong; the signal's reason */
export async function openHostLink(
  adapter: Adapter,
  { wanted, scanMs }: { wanted: BleIdentity; scanMs: number },
  signal: AbortSignal,
): Promise<HostLink> {
  await adapter.ready(signal);
  const either = AbortSignal.any([signal, adapter.lost]);
  for (let attempt = 1; ; attempt++) {
    const found = await findFresh(adapter, wanted, scanMs, either);
    try {
      return await establish(adapter, found, either);
    } catch (error) {
      const isLost = hasCode(error, "SMP_LINK_LOST") && !either.aborted;
      if (!isLost || attempt === ATTEMPTS) throw error;
      await sleep(PAUSE_MS * attempt, either);
    }
  }
}

async function establish(adapter: Adapter, { peripheral, release }: Found, signal: AbortSignal): Promise<HostLink> {
  // From before the connection on: it may break in the moment in which it is made.
  const { lost, listen, endWatch } = watchLink(adapter, peripheral);
  try {
    await adapter.connect(peripheral, signal);
  } catch (error) {
    endWatch();
    throw error;
  } finally {
    release();
  }
  const either = AbortSignal.any([signal, lost]);
  try {
    const characteristic = await findCharacteristic(peripheral, listen, either);
    await subscribe(characteristic, listen, either);
    return new HostLink({ adapter, peripheral, characteristic, lost, facts: factsOf(adapter, peripheral) });
  } catch (error) {
    const cause = signal.aborted ? abortReason(signal) : lost.aborted ? abortReason(lost) : error;
    await adapter.disconnect(peripheral);
    throw cause;
  }
}

interface LinkWatch {
  readonly lost: AbortSignal;
  readonly listen: Listen;
  readonly endWatch: () => void;
}

/** @returns a signal that aborts with the link's loss, and a way to listen to the link layer meanwhile */
function watchLink(adapter: Adapter, peripheral: Peripheral): LinkWatch {
  const controller = new AbortController();
  let listener: Parameters<Listen>[0] | undefined;
  const endWatch = (): void => {
    endListening();
    peripheral.removeListener("disconnect", onDisconnect);
    adapter.lost.removeEventListener("abort", onAdapterLost);
  };
  const lose = (reason: SmpError): void => {
    endWatch();
    controller.abort(reason);
  };
  const onDisconnect = (reason: unknown): void => lose(new SmpError("SMP_LINK_LOST", disconnectReason(reason)));
  const onAdapterLost = (): void => lose(new SmpError("SMP_LINK_LOST", messageOf(adapter.lost.reason)));
  const endListening = adapter.listen(peripheral, (event) => listener?.(event));
  peripheral.once("disconnect", onDisconnect);
  adapter.lost.addEventListener("abort", onAdapterLost, { once: true });
  if (adapter.lost.aborted) onAdapterLost();
  const listen: Listen = (given) => {
    listener = given;
    return () => (listener = undefined);
  };
  return { lost: controller.signal, listen, endWatch };
}

function factsOf(adapter: Adapter, peripheral: Peripheral): BleLinkFacts {
  const { driver } = adapter;
  const parameters = adapter.parametersOf(peripheral);
  const mtu = effectiveMtu(driver.askedMtu, peripheral.mtu);
  return {
    address: addressOf(peripheral),
    name: nameOf(peripheral),
    driver: driver.name,
    mtu,
    fragmentBytes: fragmentBytes(mtu),
    intervalMs: parameters?.intervalMs,
    supervisionTimeoutMs: parameters?.supervisionTimeoutMs,
  };
}
