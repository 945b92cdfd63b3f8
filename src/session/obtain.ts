import type { SmpError } from "../errors";
import { withDeadline } from "../clock";

export interface Obtaining<T> {
  /** What is waited for, as for {@link withDeadline}. */
  readonly what: string;
  readonly withinMs: number;
  readonly begin: (signal: AbortSignal) => Promise<T>;
  /** Disposes of what comes after all when nobody waits for it any more. */
  readonly giveBack: (late: T) => unknown;
  /** The error of the deadline. */
  readonly tooLate: (timeout: unknown) => SmpError;
}

/**
 * Waits for something that must not leak: a link, a place. `withDeadline` leaves late work behind; this gives back what
 * it yields.
 * @throws `tooLate`'s error at the deadline, what `begin` throws, or the signal's reason
 */
export async function obtain<T>(wanted: Obtaining<T>, signal: AbortSignal): Promise<T> {
  let begun: Promise<T> | undefined;
  let inner: AbortSignal | undefined;
  try {
    return await withDeadline(wanted.what, wanted.withinMs, signal, (given) => {
      inner = given;
      return (begun = wanted.begin(given));
    });
  } catch (error) {
    void begun?.then(wanted.giveBack).catch(() => {});
    throw inner?.aborted && !signal.aborted ? wanted.tooLate(error) : error;
  }
}
