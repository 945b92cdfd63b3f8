import assert from "node:assert/strict";
import { fromNth, loseAnswer, loseRequest, nth, only, refuseWith } from "../../src/device/faults";
import type { SmpErrorCode } from "../../src/errors";
import { image } from "../../src/smp/commands";
import { hashOf } from "../build-image";
import { A, B, C, useBench, type Bench, type BenchOptions } from "./bench";
import { rejectsWith } from "./expect";
import { flags, HASH_B, read, reset, test, UPLOADED } from "./lifecycle";

describe("test", () => {
  const newBench = useBench();

  it("makes the uploaded image pending", async () => {
    assert.deepEqual(flags(await test(newBench(UPLOADED))), ["0 1.0.0 active confirmed", "1 1.2.3+4 pending"]);
  });

  it("takes a hash in capitals", async () => {
    assert.equal((await test(newBench(UPLOADED), HASH_B.toUpperCase()))[1]?.pending, true);
  });

  it("leaves an image alone that is pending already", async () => {
    const bench = newBench(UPLOADED);
    await test(bench);
    assert.equal((await test(bench))[1]?.pending, true);
    assert.equal(bench.requests("image.writeState").length, 1);
  });

  for (const fault of [loseRequest, loseAnswer]) {
    it(`works when the ${fault === loseRequest ? "request" : "answer"} is lost`, async () => {
      const bench = newBench(UPLOADED);
      bench.device.faults.add(only(image.writeState, nth(1, fault)));
      assert.equal((await test(bench))[1]?.pending, true);
      assert.equal(bench.requests("image.writeState").length, fault === loseRequest ? 2 : 1);
    });
  }

  it("works when the device is busy for a moment", async () => {
    const bench = newBench(UPLOADED);
    bench.device.faults.add(only(image.writeState, nth(1, refuseWith({ rc: 10 }))));
    assert.equal((await test(bench))[1]?.pending, true);
    assert.equal(bench.requests("image.writeState").length, 2);
  });

  it("works when the link breaks before the answer", async () => {
    const bench = newBench(UPLOADED);
    let broken = false;
    bench.linkFault = ({ command }) => {
      if (command !== "image.writeState" || broken) return undefined;
      broken = true;
      return "cut-after";
    };
    assert.equal((await test(bench))[1]?.pending, true);
    assert.equal(bench.requests("image.writeState").length, 1);
  });

  const refusals: {
    it: string;
    options: BenchOptions;
    before?: (bench: Bench) => Promise<unknown>;
    hash?: string;
    code: SmpErrorCode;
    says: RegExp;
  }[] = [
    {
      it: "an image that was not uploaded",
      options: {},
      code: "SMP_NOT_IN_SLOT",
      says: /no slot of image 0 holds.*slot 0: 1\.0\.0/,
    },
    {
      it: "what is no hash",
      options: UPLOADED,
      hash: "1.2.3",
      code: "SMP_BAD_INPUT",
      says: /64, 96 or 128 hex digits/,
    },
    { it: "the image that runs", options: { slot0: B }, code: "SMP_STATE_UNCHANGED", says: /runs already/ },
    {
      it: "the image that runs and is in the other slot as well",
      options: { slot0: B, slot1: B },
      code: "SMP_STATE_UNCHANGED",
      says: /runs already/,
    },
    {
      it: "the image that runs on trial",
      options: UPLOADED,
      before: async (bench) => [await test(bench), await reset(bench)],
      code: "SMP_TRIAL_RUNNING",
      says: /it is the image to test.*Confirm it/,
    },
    {
      it: "what a trial falls back to",
      options: UPLOADED,
      before: async (bench) => [await test(bench), await reset(bench)],
      hash: hashOf(A).toString("hex"),
      code: "SMP_TRIAL_RUNNING",
      says: /1\.2\.3\+4 runs on trial/,
    },
    {
      it: "anything on a device that cannot mark images",
      options: { ...UPLOADED, slot1: B, slot0: C, mode: "direct-xip" },
      code: "SMP_DEVICE",
      says: /direct-XIP/,
    },
  ];
  for (const { it: what, options, before, hash, code, says } of refusals) {
    it(`refuses ${what}`, async () => {
      const bench = newBench(options);
      await before?.(bench);
      const state = await read(bench);
      const error = await rejectsWith(code, () => test(bench, hash));
      assert.match(`${error.message} ${error.hint}`, says);
      assert.equal(error.details.phase, code === "SMP_BAD_INPUT" ? undefined : "test");
      assert.deepEqual(await read(bench), state);
    });
  }

  it("does not believe an answer that shows nothing pending", async () => {
    const bench = newBench(UPLOADED);
    bench.device.store.setState = () => undefined;
    const error = await rejectsWith("SMP_STATE_UNCHANGED", () => test(bench));
    assert.match(error.message, /does not show it as pending/);
  });

  it("ends when the device goes silent at any step", async () => {
    for (const position of [2, 3]) {
      const bench = newBench(UPLOADED);
      bench.device.faults.add(fromNth(position, loseRequest));
      assert.equal((await rejectsWith("SMP_TIMEOUT", () => test(bench))).details.phase, "test");
    }
  });
});
