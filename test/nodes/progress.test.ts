import assert from "node:assert/strict";
import FakeTimers, { type Clock } from "@sinonjs/fake-timers";
import { Progress } from "../../nodes/runtime/progress";

interface Sent {
  payload?: unknown;
  smp?: { phase: string; off: number };
}

describe("the progress of a job", () => {
  let clock: Clock;
  let sent: Sent[];
  let progress: Progress;
  const percents = (): unknown[] => sent.map(({ payload }) => payload);
  const at = (off: number): { phase: "uploading"; off: number } => ({ phase: "uploading", off });

  beforeEach(() => {
    clock = FakeTimers.install({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    sent = [];
    progress = new Progress({ _msgid: "m-1" }, { pool: "pool", device: "a" }, (message) => sent.push(message));
  });
  afterEach(() => clock.uninstall());

  it("is told at most four times a second, the last message included", () => {
    for (let ms = 0; ms < 10_000; ms += 10) {
      progress.report(ms / 100, at(ms));
      clock.tick(10);
    }
    progress.last();
    assert.ok(sent.length > 20 && sent.length <= 40, String(sent.length));
    assert.equal(sent.at(-1)!.payload, 100);
  });

  it("tells the latest when nothing follows it", () => {
    progress.report(10, at(1));
    progress.report(20, at(2));
    progress.report(30, at(3));
    assert.deepEqual(percents(), [10]);
    clock.tick(1000);
    assert.deepEqual(percents(), [10, 30]);
  });

  it("never goes back, though the device may", () => {
    for (const percent of [50, 20, 60]) {
      progress.report(percent, at(percent));
      clock.tick(1000);
    }
    assert.deepEqual(percents(), [50, 50, 60]);
    assert.equal(sent[1]!.smp!.off, 20, "the offset is the device's own");
  });

  it("keeps 100 for the success", () => {
    progress.report(100, at(7));
    progress.last("failed");
    assert.deepEqual(percents(), [99, 99]);
    assert.deepEqual(
      sent.map(({ smp }) => smp!.phase),
      ["uploading", "failed"],
    );
  });

  it("says nothing of a job that failed before it began, nor after it was stopped", () => {
    progress.last("failed");
    progress.report(10, at(1));
    progress.report(20, at(2));
    progress.stop();
    clock.tick(1000);
    assert.deepEqual(percents(), [10]);
  });
});
