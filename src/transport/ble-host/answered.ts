import type { EventEmitter } from "node:events";
import { withDeadline } from "../../clock";

export interface Awaited {
  /** What is waited for, as for `withDeadline`. */
  readonly what: string;
  readonly withinMs: number;
  readonly signal: AbortSignal;
}

/**
 * Starts something and waits for the event that answers it; noble's own calls settle neither when the link breaks nor
 * ever. Leaves no listener behind.
 * @returns the event's arguments. @throws SMP_TIMEOUT, the signal's reason, or what `start` throws
 */
export function answered(
  emitter: EventEmitter,
  event: string,
  awaited: Awaited,
  start: () => void,
): Promise<unknown[]> {
  return withDeadline(awaited.what, awaited.withinMs, awaited.signal, async (signal) => {
    let remove: (() => void) | undefined;
    const answer = new Promise<unknown[]>((resolve) => {
      const take = (...args: unknown[]): void => resolve(args);
      emitter.once(event, take);
      remove = () => void emitter.removeListener(event, take);
    });
    signal.addEventListener("abort", () => remove?.(), { once: true });
    try {
      start();
      return await answer;
    } finally {
      remove?.();
    }
  });
}
