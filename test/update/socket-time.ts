/** Fake time for work over real sockets of this process: it passes only while they have nothing to tell. */
import FakeTimers from "@sinonjs/fake-timers";

const QUIET_MS = 3;
/** From the client to the device and back, with some to spare: a busy process reads its sockets late. */
const TURNS = 10;
const realTime = setTimeout;

export interface SocketTime {
  /** To be called for what moves on the sockets. */
  moved(): void;
  toEnd<T>(work: Promise<T>): Promise<T>;
}

/** For each test of a suite. */
export function useSocketTime(): SocketTime {
  let clock: ReturnType<typeof FakeTimers.install>;
  let moves = 0;
  beforeEach(() => {
    clock = FakeTimers.install({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  });
  afterEach(() => clock.uninstall());

  return {
    moved: () => void moves++,
    toEnd: async (work) => {
      let isOver = false;
      const over = (): void => void (isOver = true);
      work.then(over, over);
      while (!isOver) {
        const before = moves;
        await new Promise((resolve) => realTime(resolve, QUIET_MS));
        for (let turn = 0; turn < TURNS; turn++) await new Promise((resolve) => setImmediate(resolve));
        if (!isOver && moves === before) await clock.nextAsync();
      }
      return await work;
    },
  };
}
