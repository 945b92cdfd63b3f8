import assert from "node:assert/strict";
import { SmpError } from "../../src/errors";
import { Brake } from "../../src/update/brake";
import { planDevice } from "../../src/update/run-update";
import type { DeviceProgress, UpdateOptions, UpdateResult } from "../../src/update/run-types";
import { SwapTimes } from "../../src/update/swap-times";
import { buildImage } from "../build-image";
import { B, C, SMALL, SMALL_FILE, useBench, type Bench } from "./bench";
import { flags, read } from "./lifecycle";
import { partsOf } from "./parts";

const NEW = ["0 1.2.3+4 active confirmed", "1 1.0.0"];
const OLD = ["0 1.0.0 active confirmed", "1 1.2.3+4"];
const TRIAL = ["0 1.2.3+4 active", "1 1.0.0 confirmed"];

async function update(bench: Bench, options: Omit<UpdateOptions, "parts"> = {}, file = B): Promise<UpdateResult> {
  return bench.update({ parts: await partsOf(file), ...options });
}

describe("an update", () => {
  const newBench = useBench();

  it("brings the firmware, tries it, and confirms it, with the evidence", async () => {
    const bench = newBench();
    const result = await update(bench);
    assert.deepEqual([result.ok, result.verdict, result.error], [true, "confirmed", undefined]);
    assert.deepEqual(flags(await read(bench)), NEW);
    const { evidence } = result;
    assert.deepEqual([flags(evidence.before), flags(evidence.after)], [["0 1.0.0 active confirmed"], NEW]);
    assert.deepEqual(
      evidence.steps.map(({ step }) => step),
      ["upload", "test", "reset", "verify", "confirm"],
    );
    const [image] = evidence.images;
    assert.deepEqual([image?.outcome, image?.sentBytes, image?.sizeBytes], ["uploaded", B.length, B.length]);
    assert.ok(evidence.swapMs !== undefined && evidence.swapMs > 0);
    assert.deepEqual(structuredClone(result), result);
  });

  it("leaves it on trial when only a test is wanted", async () => {
    const bench = newBench();
    const result = await update(bench, { policy: { goal: "test" } });
    assert.deepEqual([result.ok, result.verdict, flags(result.evidence.after)], [true, "testing", TRIAL]);
  });

  it("makes it permanent before the reset when only a confirm is wanted", async () => {
    const bench = newBench({ trial: "crashing" });
    const result = await update(bench, { policy: { goal: "confirm" } });
    assert.deepEqual([result.ok, result.verdict, flags(result.evidence.after)], [true, "confirmed", NEW]);
    assert.equal(bench.requests("image.writeState").length, 1);
  });

  it("only uploads when only that is wanted", async () => {
    const bench = newBench();
    const result = await update(bench, { policy: { goal: "upload" } });
    assert.deepEqual([result.ok, result.verdict, flags(result.evidence.after)], [true, "uploaded", OLD]);
    assert.equal(bench.requests("os.reset").length, 0);
  });

  it("sends nothing to a device that is up to date, or has the image in its slot", async () => {
    const current = newBench({ slot0: B });
    assert.equal((await update(current)).verdict, "already-current");
    assert.equal(current.requests("image.upload").length, 0);
    const uploaded = newBench({ slot1: B });
    assert.equal((await update(uploaded)).verdict, "confirmed");
    assert.equal(uploaded.requests("image.upload").length, 0);
  });

  it("is refused with the reason before anything is sent", async () => {
    const bench = newBench({ slot0: C });
    const result = await update(bench, { policy: { versions: "newer" } });
    assert.deepEqual([result.ok, result.verdict, result.error?.code], [false, "refused-downgrade", "SMP_NOT_NEWER"]);
    assert.deepEqual(bench.requests("image.upload").length + bench.requests("image.writeState").length, 0);
  });

  it("tells that the trial crashed and the old image is back", async () => {
    const bench = newBench({ trial: "crashing" });
    const result = await update(bench);
    assert.deepEqual([result.ok, result.verdict, result.error?.code], [false, "reverted", "SMP_REVERTED"]);
    assert.deepEqual(flags(result.evidence.after), OLD);
  });

  it("tells that the bootloader refused the image", async () => {
    const bench = newBench({ acceptsImage: ({ version }) => version.minor !== 2 });
    const result = await update(bench);
    assert.equal(result.verdict, "rejected-by-bootloader");
    assert.deepEqual(flags(result.evidence.after), ["0 1.0.0 active confirmed"]);
  });

  it("tells that the slots cannot be swapped", async () => {
    const result = await update(newBench({ cannotSwap: true }));
    assert.deepEqual([result.verdict, result.error?.code], ["not-swapped", "SMP_NOT_SWAPPED"]);
  });

  it("goes on where an earlier one was left: pending, on trial", async () => {
    const bench = newBench();
    await update(bench, { policy: { goal: "test" } });
    const result = await update(bench);
    assert.deepEqual([result.ok, result.verdict], [true, "confirmed"]);
    assert.deepEqual(
      result.evidence.steps.map(({ step }) => step),
      ["skip", "confirm"],
    );
  });

  for (const [onTrial, steps] of [
    ["confirm", ["settle", "upload", "test", "reset", "verify", "confirm"]],
    ["revert", ["settle", "upload", "test", "reset", "verify", "confirm"]],
  ] as const) {
    it(`ends another trial first: ${onTrial}`, async () => {
      const bench = newBench();
      await update(bench, { policy: { goal: "test" } }, C);
      const result = await update(bench, { policy: { onTrial } });
      assert.deepEqual([result.ok, result.verdict], [true, "confirmed"], JSON.stringify(result));
      assert.deepEqual(
        result.evidence.steps.map(({ step }) => step),
        steps,
      );
      assert.equal(flags(await read(bench))[1], onTrial === "confirm" ? "1 2.0.0+77" : "1 1.0.0");
    });
  }

  it("goes on when another trial that is given time to confirm itself crashes instead, and the device is away for long", async () => {
    const bench = newBench();
    await update(bench, { policy: { goal: "test" } }, C);
    setTimeout(() => bench.device.powerOff(), 5_000);
    setTimeout(() => bench.device.powerOn(), 40_000);
    const result = await update(bench, { policy: { onTrial: "wait" } });
    assert.deepEqual([result.ok, result.verdict], [true, "confirmed"], result.because);
    assert.deepEqual(flags(await read(bench)), NEW);
  });

  it("gives another trial time to confirm itself, but not for ever", async () => {
    const bench = newBench();
    await update(bench, { policy: { goal: "test" } }, C);
    const result = await update(bench, { policy: { onTrial: "wait" }, trialWaitMs: 20_000 });
    assert.deepEqual([result.verdict, result.error?.code], ["failed", "SMP_TRIAL_RUNNING"]);
    assert.match(result.because, /did not confirm itself/);
  });

  it("brings two images with one reset, made permanent together", async () => {
    const bench = newBench({ imageCount: 2, image1Slot0: buildImage({ version: "5.0.0" }) });
    const parts = await partsOf(B, buildImage({ version: "6.0.0" }));
    const result = await bench.update({ parts });
    assert.deepEqual([result.ok, result.verdict], [true, "confirmed"], JSON.stringify(result.error));
    assert.equal(bench.requests("os.reset").length, 1);
    const running = (await read(bench)).filter(({ active }) => active).map(({ image, version }) => [image, version]);
    assert.deepEqual(running, [
      [0, "1.2.3+4"],
      [1, "6.0.0"],
    ]);
    assert.deepEqual(
      result.evidence.images.map(({ outcome }) => outcome),
      ["uploaded", "uploaded"],
    );
  });

  for (const mode of ["overwrite", "direct-xip", "direct-xip-revert", "swap-offset"] as const) {
    it(`ends confirmed on a bootloader in the mode ${mode}`, async () => {
      const bench = newBench({ mode });
      const result = await update(bench);
      assert.deepEqual([result.ok, result.verdict], [true, "confirmed"], JSON.stringify(result.error));
      const running = (await read(bench)).find(({ active }) => active);
      assert.deepEqual([running?.version, running?.confirmed], ["1.2.3+4", true]);
    });
  }

  it("stops an upload that is aborted", async () => {
    const bench = newBench(SMALL);
    const stop = new AbortController();
    bench.linkFault = ({ command, body }) => {
      if (command === "image.upload" && Number(body["off"]) > 0) stop.abort(new SmpError("SMP_ABORTED", "enough"));
      return undefined;
    };
    const result = await update(bench, { signal: stop.signal }, SMALL_FILE);
    assert.deepEqual([result.ok, result.verdict, result.error?.code], [false, "failed", "SMP_ABORTED"]);
  });

  it("knows what became of a device that was aborted in its swap", async () => {
    const bench = newBench();
    const stop = new AbortController();
    bench.linkFault = ({ command }) => {
      if (command === "os.reset") stop.abort(new SmpError("SMP_ABORTED", "enough"));
      return undefined;
    };
    const result = await update(bench, { signal: stop.signal });
    assert.deepEqual(
      [result.verdict, result.error?.code, flags(result.evidence.after)],
      ["testing", "SMP_ABORTED", TRIAL],
    );
    assert.deepEqual(flags(await read(bench)), TRIAL);
  });

  it("pauses in the middle of an upload and goes on where it stopped", async () => {
    const bench = newBench(SMALL);
    const brake = new Brake();
    const phases: string[] = [];
    let isPaused = false;
    bench.linkFault = ({ command, body }) => {
      if (command !== "image.upload" || Number(body["off"]) < 500 || isPaused) return undefined;
      isPaused = true;
      brake.pause();
      return undefined;
    };
    const onProgress = ({ phase }: DeviceProgress): void => {
      phases.push(phase);
      if (phase === "paused") setImmediate(() => brake.resume());
    };
    const result = await update(bench, { brake, onProgress }, SMALL_FILE);
    assert.deepEqual([result.ok, result.verdict], [true, "confirmed"]);
    assert.ok(phases.includes("paused"));
    assert.ok(result.evidence.images[0]!.resumedFromBytes >= 500, "the upload goes on where it stopped");
  });

  it("reports progress that never falls, says where the point of no return is, and learns what a swap takes", async () => {
    const seen: DeviceProgress[] = [];
    const swapTimes = new SwapTimes();
    const result = await update(newBench(), { swapTimes, onProgress: (progress) => seen.push(progress) });
    const percents = seen.map(({ percent }) => percent);
    assert.deepEqual(
      percents,
      percents.toSorted((a, b) => a - b),
    );
    const phases = [...new Set(seen.map(({ phase }) => phase))];
    for (const phase of ["planning", "uploading", "marking", "swapping", "confirming"] as const)
      assert.ok(phases.includes(phase), phase);
    assert.deepEqual([...new Set(seen.filter(({ noReturn }) => noReturn).map(({ phase }) => phase))], ["confirming"]);
    assert.equal(swapTimes.expected("sensor-1"), result.evidence.swapMs);
    assert.equal(swapTimes.expected("another"), result.evidence.swapMs);
  });

  it("counts the swap in the time to go once one was seen, also in the next update", async () => {
    const bench = newBench({ ...SMALL, pace: { bootMs: 20_000, linkBytesPerSecond: 1_000 } });
    const lastEtaOfUpload = async (file: Buffer): Promise<number | undefined> => {
      const seen: DeviceProgress[] = [];
      const result = await update(bench, { onProgress: (progress) => seen.push(progress) }, file);
      assert.equal(result.verdict, "confirmed");
      return seen.findLast(({ phase }) => phase === "uploading")?.etaMs;
    };
    const before = await lastEtaOfUpload(SMALL_FILE);
    assert.ok(before === undefined || before < 20_000, `nobody knows of a swap yet: ${before}`);
    const after = await lastEtaOfUpload(buildImage({ version: "1.2.0", payloadBytes: 2_000 }));
    assert.ok(after !== undefined && after >= 20_000, `the swap of before took 20 s: ${after}`);
  });

  it("ends in a verdict also when the device is not there or the policy is nonsense", async () => {
    const bench = newBench();
    bench.device.close();
    const parts = await partsOf(B);
    const gone = await bench.update({ parts });
    assert.deepEqual([gone.ok, gone.verdict, gone.evidence.before], [false, "failed", []]);
    const nonsense = await newBench().update({ parts, policy: { goal: "upload" }, gate: { ask: async () => true } });
    assert.equal(nonsense.error?.code, "SMP_BAD_INPUT");
  });

  it("plans without touching the device", async () => {
    const bench = newBench();
    const parts = await partsOf(B);
    const plan = await bench.toEnd(planDevice(bench.pool, "sensor-1", { parts }));
    assert.equal(plan.outcome, "update");
    assert.deepEqual(bench.requests("image.upload").length + bench.requests("image.writeState").length, 0);
    assert.deepEqual(flags(await read(bench)), ["0 1.0.0 active confirmed"]);
  });
});
