/** Waits for a peripheral's advertisement: who connects without one may wait for very long. */
import { formatMs, nowMs, withDeadline } from "../../clock";
import { SmpError } from "../../errors";
import type { Adapter } from "./adapter";
import { addressOf, matches, nameOf } from "./identity";
import type { BleIdentity } from "./messages";
import type { Peripheral } from "./noble";

/** Older advertisements say nothing about whether the device still listens. */
const FRESH_MS = 2_000;
const NAMED_IN_MESSAGE = 5;

export interface Found {
  readonly peripheral: Peripheral;
  /** Lets the scan and the next connection attempt go on. */
  readonly release: () => void;
}

/**
 * Gives the wanted peripheral just after it has advertised, with the radio to ourselves.
 * @throws SMP_LINK_OPEN when it is not seen within `scanMs`, or the adapter fails; the signal's reason
 */
export async function findFresh(
  adapter: Adapter,
  wanted: BleIdentity,
  scanMs: number,
  signal: AbortSignal,
): Promise<Found> {
  const search: Search = { wanted, scanMs, untilMs: nowMs() + scanMs };
  for (;;) {
    const seen = await see(adapter, search, signal);
    const pass = await adapter.turns.take(signal);
    if (nowMs() - seen.atMs < FRESH_MS) {
      const resume = await adapter.scanner.pause();
      const release = (): void => {
        resume();
        pass();
      };
      return { peripheral: seen.peripheral, release };
    }
    pass();
  }
}

interface Search {
  readonly wanted: BleIdentity;
  readonly scanMs: number;
  readonly untilMs: number;
}

interface Seen {
  readonly peripheral: Peripheral;
  readonly atMs: number;
}

async function see(adapter: Adapter, search: Search, signal: AbortSignal): Promise<Seen> {
  const { wanted, scanMs, untilMs } = search;
  const others = new Map<string, string>();
  let isBusy = false;
  let endWatch: (() => void) | undefined;
  try {
    return await withDeadline(
      "the advertisement",
      Math.max(1, untilMs - nowMs()),
      signal,
      () =>
        new Promise<Seen>((resolve, reject) => {
          endWatch = adapter.scanner.watch({
            failed: reject,
            seen: (peripheral) => {
              const isWanted = matches(wanted, peripheral);
              const isFree =
                peripheral.connectable && peripheral.state !== "connected" && peripheral.state !== "connecting";
              if (isWanted && isFree) resolve({ peripheral, atMs: nowMs() });
              else if (isWanted) isBusy = true;
              else others.set(peripheral.id, nameOf(peripheral) ?? addressOf(peripheral));
            },
          });
        }),
    );
  } catch (error) {
    if (signal.aborted || !(error instanceof SmpError) || error.code !== "SMP_TIMEOUT") throw error;
    throw notSeen(scanMs, isBusy, [...others.values()]);
  } finally {
    endWatch?.();
  }
}

function notSeen(scanMs: number, isBusy: boolean, others: readonly string[]): SmpError {
  if (isBusy) {
    return new SmpError(
      "SMP_LINK_OPEN",
      "it is there, but does not accept connections: another client has it, or it only broadcasts",
      {
        hint: "Close the other connection (a phone's app, another flow), or let the firmware advertise as connectable.",
      },
    );
  }
  const list = others.slice(0, NAMED_IN_MESSAGE).join(", ");
  const more = others.length > NAMED_IN_MESSAGE ? ` and ${others.length - NAMED_IN_MESSAGE} more` : "";
  const seen = others.length === 0 ? "no other device was seen either" : `seen instead: ${list}${more}`;
  return new SmpError("SMP_LINK_OPEN", `it did not advertise within ${formatMs(scanMs)}; ${seen}`, {
    hint: "Check that the device is powered, in reach, advertises, is not connected to another client, and that name or address are right.",
  });
}
