import assert from "node:assert/strict";
import { SmpError } from "../../src/errors";
import type { Fleet } from "../../src/update/fleet";
import type { FleetResult } from "../../src/update/fleet-types";
import type { UpdateResult } from "../../src/update/run-types";
import { buildImage } from "../build-image";
import { FleetBench } from "./fleet-bench";

const CRASHING = { trial: "crashing" } as const;

function verdicts({ devices }: FleetResult): string[] {
  return devices.map(({ verdict }) => verdict);
}

describe("a fleet", () => {
  const benches: FleetBench[] = [];
  const newBench = (...args: ConstructorParameters<typeof FleetBench>): FleetBench => {
    const bench = new FleetBench(...args);
    benches.push(bench);
    return bench;
  };
  afterEach(() => Promise.all(benches.splice(0).map((bench) => bench.close())));

  it("updates all of its devices from one source, a few side by side", async () => {
    const bench = newBench(5);
    let most = 0;
    const fleet: Fleet = await bench.fleet({
      limit: 2,
      onProgress: () => (most = Math.max(most, fleet.progress.running.length)),
    });
    const result = await fleet.run();
    assert.deepEqual([result.ok, result.counts], [true, { confirmed: 5 }]);
    assert.equal(most, 2);
    assert.deepEqual(
      result.devices.map(({ device }) => device),
      bench.names,
    );
    for (const name of bench.names) assert.equal(bench.runs(name), "1.1.0 confirmed");
  });

  it("gives each device its own verdict", async () => {
    const bench = newBench(3, { 1: CRASHING });
    const result = await (await bench.fleet({}, [...bench.names, "nobody"])).run();
    assert.deepEqual(verdicts(result), ["confirmed", "reverted", "confirmed", "failed"]);
    assert.equal(result.devices[3]?.error?.code, "SMP_UNKNOWN_DEVICE");
    assert.deepEqual([result.ok, result.stoppedBecause], [false, undefined]);
  });

  it("updates a device once that is named twice", async () => {
    const result = await (await newBench(1).fleet({}, ["d0", "d0"])).run();
    assert.deepEqual(verdicts(result), ["confirmed"]);
  });

  it("begins no more when a canary fails, and says so", async () => {
    const bench = newBench(4, { 0: CRASHING });
    const result = await (await bench.fleet({ canary: 1 })).run();
    assert.deepEqual(verdicts(result), ["reverted", "not-started", "not-started", "not-started"]);
    assert.equal(result.stoppedBecause, "a device has failed");
    assert.match(result.devices[3]!.because, /not begun: a device has failed/);
    assert.equal(bench.runs("d3"), "1.0.0 confirmed");
  });

  it("lets the rest wait for all canaries", async () => {
    const ends: string[] = [];
    const bench = newBench(4);
    const fleet: Fleet = await bench.fleet({
      canary: 2,
      limit: 4,
      onProgress: () => fleet.progress.running.forEach(({ device }) => ends.includes(device) || ends.push(device)),
    });
    const order: string[] = [];
    const result = await fleet.run();
    order.push(...ends);
    assert.deepEqual(order.slice(0, 2).toSorted(), ["d0", "d1"]);
    assert.deepEqual(result.counts, { confirmed: 4 });
  });

  it("stops after so many failures", async () => {
    const bench = newBench(4, { 0: CRASHING, 1: CRASHING });
    const result = await (await bench.fleet({ limit: 1, maxFailures: 2 })).run();
    assert.deepEqual(verdicts(result), ["reverted", "reverted", "not-started", "not-started"]);
    assert.equal(result.stoppedBecause, "2 devices have failed");
  });

  it("takes no refused downgrade for a failure", async () => {
    const bench = newBench(2, { 0: { slot0: buildImage({ version: "2.0.0", payloadBytes: 2_000 }) } });
    const result = await (await bench.fleet({ canary: 1, policy: { versions: "newer" } })).run();
    assert.deepEqual(verdicts(result), ["refused-downgrade", "confirmed"]);
    assert.deepEqual([result.ok, result.stoppedBecause], [false, undefined]);
  });

  it("stops one device, and goes on with the others", async () => {
    const bench = newBench(3);
    const fleet = await bench.fleet({ limit: 1 });
    fleet.abort(new SmpError("SMP_ABORTED", "not this one"), "d1");
    const result = await fleet.run();
    assert.deepEqual(verdicts(result), ["confirmed", "not-started", "confirmed"]);
    assert.match(result.devices[1]!.because, /not this one/);
  });

  it("stops all of them", async () => {
    const bench = newBench(3);
    const stop = new AbortController();
    const onResult = (): void => stop.abort(new SmpError("SMP_ABORTED", "that is enough"));
    const fleet = await bench.fleet({ limit: 1, signal: stop.signal, onResult });
    const result = await fleet.run();
    assert.deepEqual(verdicts(result), ["confirmed", "not-started", "not-started"]);
    assert.equal(result.stoppedBecause, "that is enough");
  });

  it("pauses and goes on", async () => {
    const bench = newBench(3);
    const ended: UpdateResult[] = [];
    const fleet: Fleet = await bench.fleet({
      limit: 1,
      onResult: (result) => {
        ended.push(result);
        if (ended.length > 1) return;
        fleet.pause();
        setImmediate(() => {
          assert.deepEqual([fleet.progress.paused, ended.length], [true, 1]);
          fleet.resume();
        });
      },
    });
    const result = await fleet.run();
    assert.deepEqual([result.counts, fleet.progress.paused], [{ confirmed: 3 }, false]);
  });

  it("pauses one device, lets the others go on, and then that one", async () => {
    const bench = newBench(3);
    const ended: string[] = [];
    const fleet: Fleet = await bench.fleet({
      limit: 1,
      onResult: ({ device }) => {
        assert.equal(fleet.progress.paused, ended.push(device) === 2, "paused is when none is left that is not");
        if (ended.length === 2) setImmediate(() => fleet.resume("d0"));
      },
    });
    fleet.pause("d0");
    assert.deepEqual((await fleet.run()).counts, { confirmed: 3 });
    assert.deepEqual(ended, ["d1", "d2", "d0"]);
  });

  it("is stopped while it is paused", async () => {
    const fleet = await newBench(2).fleet();
    fleet.pause();
    const running = fleet.run();
    fleet.abort(new SmpError("SMP_ABORTED", "enough"));
    assert.deepEqual(verdicts(await running), ["not-started", "not-started"]);
  });

  it("counts its devices, and never goes back", async () => {
    const bench = newBench(3, { 2: CRASHING });
    const percents: number[] = [];
    const fleet: Fleet = await bench.fleet({ limit: 2, onProgress: () => percents.push(fleet.progress.percent) });
    await fleet.run();
    assert.deepEqual(
      percents,
      percents.toSorted((a, b) => a - b),
    );
    assert.ok(percents.some((percent) => percent > 0 && percent < 99));
    assert.deepEqual(fleet.progress.devices, { total: 3, done: 3, ok: 2, failed: 1, running: 0, waiting: 0 });
  });

  it("plans for each device and touches none", async () => {
    const bench = newBench(2, { 1: { slot0: buildImage({ version: "2.0.0", payloadBytes: 2_000 }) } });
    const fleet = await bench.fleet({ policy: { versions: "newer" } }, [...bench.names, "nobody"]);
    const { dryRun, devices } = await fleet.plan();
    assert.equal(dryRun, true);
    assert.deepEqual(
      devices.map(({ device, plan, error }) => [device, plan?.outcome ?? error?.code, plan?.verdict]),
      [
        ["d0", "update", undefined],
        ["d1", "refused", "refused-downgrade"],
        ["nobody", "SMP_UNKNOWN_DEVICE", undefined],
      ],
    );
    assert.deepEqual([bench.runs("d0"), bench.runs("d1")], ["1.0.0 confirmed", "2.0.0 confirmed"]);
  });
});
