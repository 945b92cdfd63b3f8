import FakeTimers, { type Clock } from "@sinonjs/fake-timers";

/** Takes over the timers of each test in this suite. */
export function useFakeTime(): { readonly pass: (ms: number) => Promise<void>; readonly pending: () => number } {
  let clock: (Clock & { uninstall(): void }) | undefined;
  beforeEach(() => {
    clock = FakeTimers.install({
      toFake: ["setTimeout", "clearTimeout", "setImmediate", "clearImmediate", "performance"],
    });
  });
  afterEach(() => clock?.uninstall());
  return {
    pass: async (ms) => void (await clock!.tickAsync(ms)),
    pending: () => clock!.countTimers(),
  };
}
