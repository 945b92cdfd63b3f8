/** Time that costs nothing: all timers are fake, and the next one is due as soon as nothing else can happen. */
import FakeTimers, { type Clock } from "@sinonjs/fake-timers";

const realTurn = setImmediate;
const LIMIT_TIMERS = 400_000;

export class VirtualTime {
  readonly #clock: Clock & { uninstall(): void };
  readonly #startMs: number;
  #fired = 0;

  /** Takes over the timers of the whole process until `end`. */
  constructor() {
    this.#clock = FakeTimers.install({
      toFake: ["setTimeout", "clearTimeout", "setImmediate", "clearImmediate", "performance"],
    });
    this.#startMs = performance.now();
  }

  get nowMs(): number {
    return performance.now() - this.#startMs;
  }

  get pendingTimers(): number {
    return this.#clock.countTimers();
  }

  /** Lets time pass until `work` is settled. @throws when nothing is left that could settle it */
  async until<T>(work: Promise<T>): Promise<T> {
    let isOver = false;
    const over = (): void => void (isOver = true);
    work.then(over, over);
    for (;;) {
      await allMicrotasks();
      if (isOver) return await work;
      if (this.pendingTimers === 0) throw new Error("deadlock: nobody waits for anything, and the work is not over");
      this.#fire();
    }
  }

  /** Lets so much time pass. */
  async pass(ms: number): Promise<void> {
    await this.until(new Promise<void>((resolve) => setTimeout(resolve, ms)));
  }

  end(): void {
    this.#clock.uninstall();
  }

  #fire(): void {
    if (++this.#fired > LIMIT_TIMERS)
      throw new Error(`livelock: ${LIMIT_TIMERS} timers fired and it is still not over`);
    this.#clock.next();
  }
}

/** A turn of the real event loop begins when no microtask is left. */
function allMicrotasks(): Promise<void> {
  return new Promise((resolve) => realTurn(resolve));
}
