import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { PassThrough } from "node:stream";
import { deviceOf, stateOf } from "./device";
import { RunningFlow, type Msg } from "./flow";
import { flowOf, IMAGE, NEW, POOL, to, verdictsOf } from "./update-flow";

describe("an update node that is steered", () => {
  let flow: RunningFlow | undefined;
  const load = async (properties: object = {}): Promise<RunningFlow> =>
    (flow = await RunningFlow.load(flowOf(properties)));
  afterEach(() => flow?.end());

  it("pauses, goes on, and is aborted", async () => {
    const running = await load({ gate: true, limit: "1" });
    running.put("up", to(["one", "two"]));
    const question = await running.next("up gate");
    running.put("up", { action: "pause" });
    running.put("up", { smp: { ...question.smp, gate: true } });
    await running.until("the pause", () => running.texts("up").some((text) => text.startsWith("paused")));
    running.put("up", { action: "resume" });
    assert.equal((await running.next("up gate")).smp.device, "two");
    running.put("up", { action: "abort" });
    const msg = await running.next("up result");
    assert.deepEqual(verdictsOf(msg), [
      ["one", "confirmed"],
      ["two", "testing"],
    ]);
    assert.equal(msg["payload"].devices[1].error.code, "SMP_ABORTED");
  });

  it("pauses in the midst of uploads, which go on where they were", async () => {
    const slow = flowOf({ firmware: "test/images/hash-only-2.0.0+77.bin" }).map((each) =>
      each.id === "pool" ? { ...each, pace: "brisk" } : each,
    );
    const running = (flow = await RunningFlow.load(slow));
    running.put("up", to(["one", "two"]));
    await running.until("the midst of both", () => {
      const progress: Msg[] = running.all("up progress").at(-1)?.smp.running ?? [];
      return progress.length === 2 && progress.every(({ off }) => off > 0);
    });
    running.put("up", { action: "pause" });
    await running.until("the pause", () => running.texts("up").at(-1)!.startsWith("paused"));
    running.put("up", { action: "resume" });
    for (const { ok, evidence } of (await running.next("up result"))["payload"].devices) {
      const [{ resumedFromBytes, startedOver }] = evidence.images;
      assert.deepEqual([ok, resumedFromBytes > 0, startedOver], [true, true, 0]);
    }
  });

  it("aborts one of its devices alone", async () => {
    const running = await load({ gate: true });
    running.put("up", to(["one", "two"]));
    await running.next("up gate");
    await running.next("up gate");
    running.put("up", { ...to("two"), action: "abort" });
    running.put("up", to("one", { gate: true }));
    const msg = await running.next("up result");
    assert.deepEqual(verdictsOf(msg), [
      ["one", "confirmed"],
      ["two", "testing"],
    ]);
  });

  describe("while its firmware is still coming", () => {
    const coming = (): [Msg, PassThrough] => {
      const stream = new PassThrough();
      stream.write(readFileSync(IMAGE).subarray(0, 5_000));
      return [{ firmware: stream }, stream];
    };
    const loadReading = (): Promise<RunningFlow> => load({ firmware: "firmware", firmwareType: "msg" });

    for (const [whom, device, action] of [
      ["all", ["one", "two"], { action: "abort" }],
      ["its device", "one", { ...to("one"), action: "abort" }],
    ] as const) {
      it(`is aborted at once, for ${whom}`, async () => {
        const running = await loadReading();
        const [msg, stream] = coming();
        running.put("up", { ...to(device), ...msg });
        await running.until("the reading", () => running.texts("up").includes("reading firmware"));
        running.put("up", { ...to("bad"), action: "abort" });
        running.put("up", action);
        assert.equal((await running.next("up error")).error.code, "SMP_ABORTED");
        assert.ok(stream.destroyed, "nobody reads it any more");
        assert.equal(stateOf(deviceOf(POOL, "one")), "1.0.0 active confirmed");
      });
    }

    it("can be paused, and stopped for one of its devices", async () => {
      const running = await loadReading();
      const [msg, stream] = coming();
      running.put("up", { ...to(["one", "two"]), ...msg });
      await running.until("the reading", () => running.texts("up").includes("reading firmware"));
      running.put("up", { action: "pause" });
      running.put("up", { ...to("two"), action: "abort" });
      stream.end(readFileSync(IMAGE).subarray(5_000));
      await running.until("the pause", () => running.texts("up").some((text) => text.startsWith("paused")));
      assert.equal(stateOf(deviceOf(POOL, "one")), "1.0.0 active confirmed");
      running.put("up", { action: "resume" });
      const result = await running.next("up result");
      assert.deepEqual(verdictsOf(result), [
        ["one", "confirmed"],
        ["two", "not-started"],
      ]);
      assert.equal(result["payload"].devices[0].evidence.images[0].servedFrom, "spool");
    });
  });

  it("pauses one of its devices alone", async () => {
    const running = await load({ gate: true });
    running.put("up", to(["one", "two"]));
    running.put("up", { ...to(["one"]), action: "pause" });
    assert.equal((await running.next("up gate")).smp.device, "two");
    running.put("up", to("two", { gate: true }));
    await running.until("the end of two", () => stateOf(deviceOf(POOL, "two")) === NEW);
    assert.equal(stateOf(deviceOf(POOL, "one")), "1.0.0 active confirmed");
    running.put("up", { ...to("one"), action: "resume" });
    assert.equal((await running.next("up gate")).smp.device, "one");
    running.put("up", to("one", { gate: true }));
    assert.deepEqual((await running.next("up result"))["payload"].counts, { confirmed: 2 });
  });
});
