import assert from "node:assert/strict";
import { readTrace } from "../../src/trace/read";
import { replayTrace } from "../../src/trace/replay";
import { image } from "../../src/smp/commands";
import { imagePath } from "../images";
import { Kept, makeDevice, poolOf, tracedUpdate, wholeUpdate } from "./bench";

/** As a file holds them. */
const written = ({ records }: Kept) => readTrace(records.map((record) => JSON.stringify(record)).join("\n"));

describe("a trace that is replayed", () => {
  let recorded: Kept;
  before(async () => (recorded = await tracedUpdate(new Kept("whole"))));

  it("updates a device that was as the recorded one, which answers the same", async () => {
    const device = makeDevice();
    const { requests, answers, differences } = await replayTrace(written(recorded), device);
    assert.deepEqual(differences, []);
    assert.equal(requests, recorded.traced.filter(({ dir }) => dir === "out").length);
    assert.equal(answers, recorded.traced.filter(({ dir }) => dir === "in").length);
    assert.equal(device.version, "1.2.3.4");
    assert.equal(device.boots, 2);
    assert.ok(device.store.list().some(({ active, confirmed }) => active && confirmed));
    device.close();
  });

  it("shows where another device answers differently", async () => {
    const device = makeDevice({ profile: "zephyr-3.2" });
    const { differences } = await replayTrace(written(recorded), device);
    device.close();
    const state = differences.find(({ command }) => command === image.readState.name)!;
    assert.notDeepEqual(state.answered, state.recorded);
  });

  it("of an upload with damaged answers and retries ends as the recorded one", async () => {
    const device = makeDevice({ bufCount: 2 });
    let uploads = 0;
    device.faults.add((exchange) => {
      if (exchange.command?.name === "image.upload" && ++uploads % 9 === 3)
        exchange.changeAnswer((frame) => [frame.subarray(0, 9)]);
    });
    const kept = new Kept("whole");
    const pool = poolOf(device);
    pool.trace(kept);
    await wholeUpdate(pool, imagePath("hash-only-1.2.3+4.bin"));
    await pool.close();
    device.close();
    assert.ok(kept.traced.some(({ try: attempt = 1 }) => attempt > 1));
    assert.ok(kept.traced.some(({ match }) => match === "malformed"));
    const twin = makeDevice({ bufCount: 2 });
    assert.deepEqual((await replayTrace(written(kept), twin)).differences, []);
    assert.equal(twin.version, "1.2.3.4");
    twin.close();
  });

  it("needs whole frames", async () => {
    const device = makeDevice();
    const described = await tracedUpdate(new Kept());
    await assert.rejects(replayTrace(written(described), device), { code: "SMP_BAD_INPUT", message: /is not whole/ });
    device.close();
  });

  it("can be stopped", async () => {
    const device = makeDevice();
    const signal = AbortSignal.abort(new Error("enough"));
    await assert.rejects(replayTrace(written(recorded), device, signal), { code: "SMP_ABORTED" });
    device.close();
  });
});
