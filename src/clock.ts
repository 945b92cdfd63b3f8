/** The one place that owns timers. */
import { SmpError } from "./errors";

/** A point on a clock that never jumps, in milliseconds. */
export function nowMs(): number {
  return performance.now();
}

/**
 * Runs `work` after `ms`, or in the event loop's next turn when that is 0; the returned function takes it back. The
 * timer does not keep the process alive if `background`.
 */
export function after(ms: number, work: () => void, options: { background?: boolean } = {}): () => void {
  if (ms <= 0) {
    const immediate = setImmediate(work);
    if (options.background) immediate.unref();
    return () => clearImmediate(immediate);
  }
  const timer = setTimeout(work, ms);
  if (options.background) timer.unref();
  return () => clearTimeout(timer);
}

/** How long this process may work on what came in before timers and everybody else get a turn. */
const TURN_MS = 2;
/** The event loop's own, whatever time a test makes of them later. */
const { setImmediate: nextTurn } = globalThis;
const loopMs = performance.now.bind(performance);
const breathless: (() => void)[] = [];
let turnBeganMs: number | undefined;

/**
 * Undefined while there is time left in this turn of the event loop; else a promise to be awaited before more work that
 * came in is done, first come first served. So many sessions at once leave the rest of the process as responsive as few.
 */
export function breath(): Promise<void> | undefined {
  if (turnBeganMs === undefined) beginTurn();
  else if (breathless.length > 0 || loopMs() > turnBeganMs + TURN_MS) {
    return new Promise((resolve) => breathless.push(resolve));
  }
  return undefined;
}

function beginTurn(): void {
  turnBeganMs = loopMs();
  nextTurn(endTurn);
}

/** Who waits goes on, one in each turn, whatever comes in meanwhile. */
function endTurn(): void {
  turnBeganMs = undefined;
  const next = breathless.shift();
  if (!next) return;
  beginTurn();
  next();
}

/** Resolves after `ms`; rejects with the signal's reason when that aborts first. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(abortReason(signal));
    const onAbort = (): void => {
      cancel();
      reject(abortReason(signal!));
    };
    const cancel = after(ms, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

/**
 * Races `work` against a deadline and the caller's signal. `work` gets a signal that aborts in both cases, and is
 * left behind if it ignores it: nothing that waits here can wait for ever.
 * @param reason names what is waited for, e.g. "the answer to image.upload"
 * @throws SMP_TIMEOUT after `ms`; the signal's reason on abort
 */
export async function withDeadline<T>(
  reason: string,
  ms: number,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  throwIfAborted(signal);
  const inner = new AbortController();
  const onAbort = (): void => inner.abort(abortReason(signal!));
  signal?.addEventListener("abort", onAbort, { once: true });
  const cancel = after(ms, () =>
    inner.abort(new SmpError("SMP_TIMEOUT", `${reason} did not come within ${formatMs(ms)}`, { timeoutMs: ms })),
  );
  try {
    return await raceAbort(inner.signal, work(inner.signal));
  } finally {
    cancel();
    signal?.removeEventListener("abort", onAbort);
  }
}

/** Awaits `work`, but rejects with the signal's reason as soon as that aborts; `work` is left behind then. */
export function raceAbort<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const onAbort = (): void => reject(abortReason(signal));
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    const settleWith =
      <V>(settle: (value: V) => void) =>
      (value: V): void => {
        signal.removeEventListener("abort", onAbort);
        settle(value);
      };
    void work.then(settleWith(resolve), settleWith(reject));
  });
}

/** Why a signal was aborted, always an error; a bare `abort()` becomes SMP_ABORTED. */
export function abortReason(signal: AbortSignal): unknown {
  const reason: unknown = signal.reason;
  if (reason instanceof SmpError) return reason;
  return new SmpError("SMP_ABORTED", "the operation was aborted", { cause: reason });
}

/** Throws the signal's reason when it is aborted. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortReason(signal);
}

/** "250 ms", "40 s", "5 min": a duration for people. */
export function formatMs(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${Math.round(ms / 100) / 10} s`;
  return `${Math.round(ms / 6000) / 10} min`;
}
