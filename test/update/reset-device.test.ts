import assert from "node:assert/strict";
import {
  crashAtStart,
  cutPowerDuringBoot,
  loseAnswer,
  loseRequest,
  neverComeBack,
  nth,
  only,
  refuseWith,
  skipBootloader,
} from "../../src/device/faults";
import { PACES } from "../../src/device/pace";
import type { SmpErrorCode } from "../../src/errors";
import { image, os } from "../../src/smp/commands";
import type { ResetProgress } from "../../src/update/reset-device";
import { C, useBench, type Bench, type BenchOptions } from "./bench";
import { rejectsWith } from "./expect";
import { HASH_B, flags, read, reset, test, UPLOADED } from "./lifecycle";

describe("reset", () => {
  const newBench = useBench();

  async function tested(options: BenchOptions = {}): Promise<Bench> {
    const bench = newBench({ ...UPLOADED, ...options });
    await test(bench);
    return bench;
  }

  for (const pace of ["instant", "brisk", "real"] as const) {
    it(`waits until the image runs on trial (${pace})`, async () => {
      const bench = await tested({ pace });
      const seen: ResetProgress[] = [];
      const result = await reset(bench, { onProgress: (progress: ResetProgress) => seen.push(progress) });
      assert.equal(result.verdict, "testing");
      assert.deepEqual(flags(result.before), ["0 1.0.0 active confirmed", "1 1.2.3+4 pending"]);
      assert.deepEqual(flags(result.after), ["0 1.2.3+4 active", "1 1.0.0 confirmed"]);
      assert.equal(bench.device.boots, 2);
      assert.deepEqual([...new Set(seen.map((each) => each.phase))], ["resetting", "swapping"]);
      assert.ok(result.absentMs >= PACES[pace].bootMs);
    });
  }

  it("says when the device will be back, once it has seen how long a swap takes", async () => {
    const bench = await tested({ pace: { erasePageMs: 100, bootMs: 2_000 } });
    const seen: ResetProgress[] = [];
    const onProgress = (progress: ResetProgress): void => void seen.push(progress);
    const { absentMs } = await reset(bench, { onProgress });
    assert.ok(absentMs > 5_000 && seen.every(({ etaMs }) => etaMs === undefined));
    seen.length = 0;
    // Nobody confirmed the trial: it is swapped back.
    assert.equal((await reset(bench, { onProgress })).verdict, "reverted");
    assert.equal(seen[0]!.etaMs, absentMs);
    assert.ok(seen.every(({ elapsedMs, etaMs }) => etaMs === Math.max(0, absentMs - elapsedMs)));
  });

  it("waits longer than it was told to for a device whose last swap took so long", async () => {
    const bench = await tested({ pace: { erasePageMs: 100, bootMs: 2_000 } });
    const { absentMs } = await reset(bench);
    assert.ok(absentMs > 5_000);
    // Nobody confirmed the trial: it is swapped back.
    assert.equal((await reset(bench, { waitMs: 3_000 })).verdict, "reverted");
  });

  it("is not fooled by the old session, nor by a device whose link does not break", async () => {
    for (const resetDelayMs of [250, 3_000, 6_000]) {
      const bench = await tested({ pace: { resetDelayMs, bootMs: 500 } });
      bench.hideLoss = true;
      const result = await reset(bench);
      assert.equal(result.verdict, "testing", `reboots after ${resetDelayMs} ms`);
      assert.equal(bench.device.boots, 2);
    }
  });

  it("tells where the wanted image stands, though it was never marked", async () => {
    const result = await reset(newBench(UPLOADED), { wanted: { hash: HASH_B.toUpperCase(), image: 0 } });
    assert.equal(result.verdict, "not-swapped");
    assert.match(result.because, /1\.2\.3\+4 in slot 1 was not marked for this boot/);
  });

  it("refuses to judge by what is no hash", async () => {
    const bench = newBench(UPLOADED);
    await rejectsWith("SMP_BAD_INPUT", () => reset(bench, { wanted: { hash: "B", image: 0 } }));
    assert.equal(bench.device.boots, 1);
  });

  describe("of a device that has no list of images", () => {
    const unlisted = only(image.readState, refuseWith({ rc: 8 }));

    it("waits until it is back, and gives no verdict", async () => {
      const bench = newBench();
      bench.device.faults.add(unlisted);
      const { verdict, because, before, after } = await reset(bench);
      assert.deepEqual([verdict, before, after], [undefined, [], []]);
      assert.match(because, /restarted, and has no list of images/);
      assert.equal(bench.device.boots, 2);
    });

    it("knows its firmware loader, which has one", async () => {
      const bench = newBench({ bootMode: false });
      const listAgain = bench.device.faults.add(unlisted);
      bench.device.faults.addBoot(() => listAgain());
      const { because, after } = await reset(bench, { toRecovery: true });
      assert.equal(because, "the firmware loader answers");
      assert.equal(after.length, 1);
    });

    it("is told when it comes back as it was instead", async () => {
      const bench = newBench({ bootMode: false });
      bench.device.faults.add(unlisted);
      const error = await rejectsWith("SMP_STATE_UNCHANGED", () => reset(bench, { toRecovery: true }));
      assert.match(error.message, /its application answers \(no version\)/);
    });

    it("may follow an upload by a firmware loader: the application has none", async () => {
      const bench = newBench(UPLOADED);
      bench.device.faults.addBoot(() => bench.device.faults.add(unlisted));
      const { verdict, before } = await reset(bench, { wanted: { hash: HASH_B, image: 0 } });
      assert.deepEqual([verdict, before.length], [undefined, 2]);
    });
  });

  it("reboots a device on which nothing waits", async () => {
    const bench = newBench();
    const result = await reset(bench);
    assert.equal(result.verdict, "already-current");
    assert.equal(bench.device.boots, 2);
    // The lost link is proof enough: no need to watch an unchanged state for long.
    assert.ok(result.absentMs < 1_000, `${result.absentMs} ms`);
  });

  it("asks again when the device was busy for a moment", async () => {
    const bench = await tested();
    bench.device.faults.add(only(os.reset, nth(1, refuseWith({ rc: 10 }))));
    assert.equal((await reset(bench)).verdict, "testing");
    assert.equal(bench.device.boots, 2);
  });

  it("reverts a trial, as its state promised", async () => {
    const bench = await tested();
    await reset(bench);
    const result = await reset(bench);
    assert.equal(result.verdict, "reverted");
    assert.deepEqual(flags(result.after), ["0 1.0.0 active confirmed", "1 1.2.3+4"]);
  });

  it("finds an image that confirmed itself", async () => {
    const bench = await tested({ trial: "self-confirming" });
    assert.equal((await reset(bench)).verdict, "confirmed");
  });

  it("installs for good in overwrite-only mode", async () => {
    const bench = await tested({ mode: "overwrite" });
    const result = await reset(bench);
    assert.equal(result.verdict, "confirmed");
    assert.deepEqual(flags(result.after), ["0 1.2.3+4 active confirmed"]);
  });

  it("selects the newer image in direct-XIP mode", async () => {
    const bench = newBench({ ...UPLOADED, mode: "direct-xip" });
    // The newer image in the other slot ran at once when the device was made.
    const result = await reset(bench);
    assert.equal(result.after.find((slot) => slot.active)?.version, "1.2.3+4");
  });

  it("survives power cuts in the middle of the swap", async () => {
    const bench = await tested();
    bench.device.faults.addBoot(cutPowerDuringBoot(20));
    assert.equal((await reset(bench)).verdict, "testing");
  });

  const failures: {
    it: string;
    options?: BenchOptions;
    break?: (bench: Bench) => unknown;
    code: SmpErrorCode;
    verdict: string;
    after: string[];
  }[] = [
    {
      it: "the new image crashes",
      break: (bench) => bench.device.faults.addBoot(crashAtStart),
      code: "SMP_REVERTED",
      verdict: "reverted",
      after: ["0 1.0.0 active confirmed", "1 1.2.3+4"],
    },
    {
      it: "the bootloader refuses the new image",
      options: { acceptsImage: ({ version }) => version.minor === 0 },
      code: "SMP_REJECTED_BY_BOOTLOADER",
      verdict: "rejected-by-bootloader",
      after: ["0 1.0.0 active confirmed"],
    },
    {
      it: "the bootloader prevents a downgrade",
      options: { slot0: C, downgradePrevention: "version" },
      code: "SMP_REJECTED_BY_BOOTLOADER",
      verdict: "rejected-by-bootloader",
      after: ["0 2.0.0+77 active confirmed"],
    },
    {
      it: "the slots cannot be swapped",
      options: { cannotSwap: true },
      code: "SMP_NOT_SWAPPED",
      verdict: "not-swapped",
      after: ["0 1.0.0 active confirmed", "1 1.2.3+4 pending"],
    },
    {
      it: "the bootloader did not run",
      break: (bench) => bench.device.faults.addBoot(skipBootloader),
      code: "SMP_NOT_SWAPPED",
      verdict: "not-swapped",
      after: ["0 1.0.0 active confirmed", "1 1.2.3+4 pending"],
    },
  ];
  for (const { it: what, options, break: spoil, code, verdict, after } of failures) {
    it(`is an error with a verdict when ${what}`, async () => {
      const bench = await tested(options);
      spoil?.(bench);
      const error = await rejectsWith(code, () => reset(bench));
      assert.equal(error.details.verdict, verdict);
      assert.equal(error.details.phase, "reset");
      assert.deepEqual(flags(await read(bench)), after);
    });
  }

  it("says so when the device does not come back in time", async () => {
    const bench = await tested();
    bench.device.faults.addBoot(neverComeBack);
    const error = await rejectsWith("SMP_UNREACHABLE_AFTER_RESET", () => reset(bench, { waitMs: 30_000 }));
    assert.match(error.message, /within 30 s after the reset; 1\.2\.3\+4 was to be installed/);
    assert.equal(error.details.verdict, "unreachable-after-reset");
    assert.equal(error.details.timeoutMs, 30_000);
    assert.ok(error.cause);
  });

  it("does not wait when it was told not to", async () => {
    const bench = await tested({ pace: "real" });
    const result = await reset(bench, { waitMs: 0 });
    assert.equal(result.verdict, undefined);
    assert.deepEqual(result.after, []);
  });

  it("passes a refusal on and says how to insist, and insists when told so", async () => {
    const bench = newBench({ hooks: { reset: ({ force }) => (force ? undefined : { rc: 10 }) } });
    const error = await rejectsWith("SMP_DEVICE", () => reset(bench));
    assert.equal(error.details.rcName, "EBUSY");
    assert.match(error.hint, /force/);
    assert.equal(bench.device.boots, 1);
    await reset(bench, { force: true });
    assert.equal(bench.device.boots, 2);
  });

  it("goes on when the answer is lost, as the device reboots all the same", async () => {
    const bench = await tested();
    bench.device.faults.add(only(os.reset, loseAnswer));
    assert.equal((await reset(bench)).verdict, "testing");
    assert.equal(bench.device.boots, 2);
  });

  it("sends a request that was lost once more, also when a poll is lost after it", async () => {
    const bench = await tested();
    bench.device.faults.add(only(os.reset, nth(1, loseRequest)));
    bench.device.faults.add(only(image.readState, nth(3, loseRequest)));
    assert.equal((await reset(bench)).verdict, "testing");
    assert.equal(bench.device.boots, 2);
  });

  it("says so when the request is lost and the device did not reboot", async () => {
    const bench = await tested();
    bench.device.faults.add(only(os.reset, loseRequest));
    const error = await rejectsWith("SMP_TIMEOUT", () => reset(bench));
    assert.equal(error.retryable, true);
    assert.equal(bench.device.boots, 1);
  });

  it("gives no verdict on a device that was told to stay in its bootloader", async () => {
    const bench = newBench();
    const result = await reset(bench, { toRecovery: true });
    assert.equal(result.verdict, undefined);
    assert.equal(bench.device.state, "recovery");
  });

  it("stops waiting when it is aborted", async () => {
    const bench = await tested();
    bench.device.faults.addBoot(neverComeBack);
    const controller = new AbortController();
    const onProgress = ({ phase }: ResetProgress): void => {
      if (phase === "swapping") controller.abort();
    };
    await rejectsWith("SMP_ABORTED", () => reset(bench, { signal: controller.signal, onProgress }));
  });
});
