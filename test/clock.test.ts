import assert from "node:assert/strict";
import { breath, raceAbort, sleep, throwIfAborted, withDeadline } from "../src/clock";
import { SmpError } from "../src/errors";

const never = (): Promise<never> => new Promise(() => undefined);

describe("clock", () => {
  it("gives what the work gives when it is in time", async () => {
    assert.equal(await withDeadline("it", 1_000, undefined, async () => 5), 5);
  });

  it("names what it waited for when a deadline passes, though the work ignores its signal", async () => {
    await assert.rejects(withDeadline("the answer to image.upload", 5, undefined, never), {
      code: "SMP_TIMEOUT",
      message: "the answer to image.upload did not come within 5 ms",
      details: { timeoutMs: 5 },
    });
  });

  it("tells the work that its deadline has passed", async () => {
    let told: unknown;
    const work = (signal: AbortSignal): Promise<never> => {
      signal.addEventListener("abort", () => (told = signal.reason));
      return never();
    };
    await assert.rejects(withDeadline("it", 5, undefined, work));
    assert.ok(told instanceof SmpError && told.code === "SMP_TIMEOUT");
  });

  it("rejects with the caller's reason on abort, before and during the work", async () => {
    const reason = new SmpError("SMP_CLOSED", "closed");
    await assert.rejects(
      withDeadline("it", 1_000, AbortSignal.abort(reason), async () => 5),
      reason,
    );
    const controller = new AbortController();
    const running = withDeadline("it", 1_000, controller.signal, never);
    controller.abort(reason);
    await assert.rejects(running, reason);
  });

  it("makes an error of a bare abort", async () => {
    assert.throws(() => throwIfAborted(AbortSignal.abort()), { code: "SMP_ABORTED" });
    await assert.rejects(sleep(1_000, AbortSignal.abort()), { code: "SMP_ABORTED" });
    await assert.rejects(raceAbort(AbortSignal.abort(), never()), { code: "SMP_ABORTED" });
  });

  it("wakes a sleeper on abort", async () => {
    const controller = new AbortController();
    const sleeping = sleep(60_000, controller.signal);
    controller.abort();
    await assert.rejects(sleeping, { code: "SMP_ABORTED" });
  });

  it("lets others have a turn between pieces of work that came in together, first come first served", async () => {
    const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    await turn();
    const done: string[] = [];
    const piece = async (name: string): Promise<void> => {
      await breath();
      for (const endMs = performance.now() + 5; performance.now() < endMs;) done.length += 0;
      done.push(name);
    };
    const work = Promise.all(["first", "second", "third"].map(piece));
    setImmediate(() => done.push("somebody else"));
    await work;
    assert.deepEqual(
      done.filter((name) => name !== "somebody else"),
      ["first", "second", "third"],
    );
    assert.ok(done.indexOf("somebody else") < done.indexOf("third"), done.join(", "));
  });

  it("does not hold up work that is done quickly", async () => {
    for (let turns = 0; turns < 3; turns++) {
      await new Promise((resolve) => setImmediate(resolve));
      assert.equal(breath(), undefined);
    }
  });
});
