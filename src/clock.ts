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
    void work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
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
