/**
 * Time that passes only when nothing else can happen: exact to fractions of a millisecond, and as quick as the machine
 * allows. It replaces the timers and the clock of this process; nothing that waits for a socket or a file may run meanwhile.
 */

interface Timer {
  readonly atMs: number;
  readonly order: number;
  readonly work: () => void;
  unref(): void;
}

interface Globals {
  setTimeout: unknown;
  clearTimeout: unknown;
  setImmediate: unknown;
  clearImmediate: unknown;
}

/** Runs `work` in a time of its own. @throws Error when it waits for something that no timer brings */
export async function inVirtualTime<T>(work: () => Promise<T>): Promise<T> {
  const { setTimeout, clearTimeout, setImmediate, clearImmediate } = globalThis;
  const time = new VirtualTime();
  Object.assign(globalThis as Globals, {
    setTimeout: (each: () => void, ms: number) => time.add(each, ms),
    clearTimeout: (timer: Timer) => time.remove(timer),
    setImmediate: (each: () => void) => time.add(each, 0),
    clearImmediate: (timer: Timer) => time.remove(timer),
  });
  Object.defineProperty(performance, "now", { value: () => time.nowMs, configurable: true });
  try {
    return await time.runToEnd(work(), () => new Promise((resolve) => setImmediate(resolve)));
  } finally {
    Object.assign(globalThis as Globals, { setTimeout, clearTimeout, setImmediate, clearImmediate });
    Reflect.deleteProperty(performance, "now");
  }
}

class VirtualTime {
  nowMs = 0;
  #timers: Timer[] = [];
  #order = 0;

  add(work: () => void, ms: number): Timer {
    const timer: Timer = { atMs: this.nowMs + ms, order: this.#order++, work, unref: () => {} };
    const place = this.#timers.findLastIndex((other) => other.atMs <= timer.atMs) + 1;
    this.#timers.splice(place, 0, timer);
    return timer;
  }

  remove(timer: Timer | undefined): void {
    const place = timer ? this.#timers.indexOf(timer) : -1;
    if (place >= 0) this.#timers.splice(place, 1);
  }

  /** @param turn lets all promises run that can */
  async runToEnd<T>(work: Promise<T>, turn: () => Promise<void>): Promise<T> {
    let isOver = false;
    const over = (): void => void (isOver = true);
    work.then(over, over);
    for (;;) {
      await turn();
      if (isOver) return await work;
      const next = this.#timers.shift();
      if (!next) throw new Error("nothing will ever happen any more");
      this.nowMs = Math.max(this.nowMs, next.atMs);
      next.work();
    }
  }
}
