/** What could leave a device worse than it was found, or be told wrongly of it. */
import assert from "node:assert/strict";
import { VirtualDevice } from "../../src/device/device";
import { nth, only, refuseWith, type Fault } from "../../src/device/faults";
import { image } from "../../src/smp/commands";
import { Brake } from "../../src/update/brake";
import type { DeviceProgress } from "../../src/update/run-types";
import type { UpdateGoal } from "../../src/update/update-policy";
import { buildImage, hashOf } from "../build-image";
import { inProcess, requestFrame, until } from "../device/bench";
import { check, keyOf } from "../image/keys";
import { B, SMALL, SMALL_FILE, useBench, type Bench } from "./bench";
import { flags, read } from "./lifecycle";
import { partsOf } from "./parts";

const OLD = ["0 1.0.0 active confirmed", "1 1.2.3+4"];
const TRIAL = ["0 1.2.3+4 active", "1 1.0.0 confirmed"];
const NEW = ["0 1.2.3+4 active confirmed", "1 1.0.0"];
const NET_6 = buildImage({ version: "6.0.0" });
const TWO_IMAGES = { image1Slot0: buildImage({ version: "5.0.0" }) };

describe("a device that is updated", () => {
  const newBench = useBench();

  it("has no half of an update marked when its build does not let the other half be marked", async () => {
    const bench = newBench({ ...TWO_IMAGES, allowConfirmNonActiveImageSecondary: false });
    const result = await bench.update({ parts: await partsOf(B, NET_6) });
    assert.deepEqual([result.verdict, result.error?.code], ["failed", "SMP_DEVICE"]);
    assert.deepEqual(flags(await read(bench)), [...OLD, "0 5.0.0 active confirmed", "1 6.0.0"]);
    bench.device.reboot();
    await bench.started();
    assert.equal(bench.device.version, "1.0.0");
  });

  it("has no half of an update marked when the other half was on trial, and crashes in the meantime", async () => {
    const bench = newBench(TWO_IMAGES);
    await bench.update({ parts: await partsOf(B), policy: { goal: "test" } });
    bench.device.faults.add(
      only(
        image.upload,
        nth(1, (exchange) => exchange.reboot()),
      ),
    );
    const result = await bench.update({ parts: await partsOf(B, NET_6) });
    assert.deepEqual([result.ok, result.verdict, result.error?.code], [false, "reverted", "SMP_WRONG_IMAGE"]);
    assert.deepEqual(flags(await read(bench)), [...OLD, "0 5.0.0 active confirmed", "1 6.0.0"]);
  });

  it("has no half of an update marked when its build does not let the other half, on trial, be confirmed", async () => {
    const bench = newBench({ ...TWO_IMAGES, image1Slot1: NET_6 });
    bench.device.store.setState(hashOf(NET_6), false);
    bench.device.reboot();
    await bench.started();
    const result = await bench.update({ parts: await partsOf(B, NET_6) });
    assert.deepEqual([result.verdict, result.error?.code], ["testing", "SMP_DEVICE"]);
    assert.deepEqual(flags(await read(bench)), [...OLD, "0 6.0.0 active", "1 5.0.0 confirmed"]);
  });

  it("is told of, when half of an update was marked and the rest fails", async () => {
    const bench = newBench(TWO_IMAGES);
    bench.device.faults.add(only(image.writeState, nth(2, refuseWith({ group: 1, rc: 1 }))));
    const result = await bench.update({ parts: await partsOf(B, NET_6) });
    assert.equal(result.verdict, "failed");
    assert.match(result.because, /the next reset installs image 1 slot 1: 6\.0\.0 \w+… pending permanent$/);
    assert.equal(result.error!.message, result.because);
    assert.deepEqual(result.evidence.after, await read(bench));
  });

  it("is on trial, and that is said, when it rebooted by itself before the mark was answered", async () => {
    const bench = newBench();
    bench.device.faults.add(only(image.writeState, nth(1, rebootAfterIt(bench))));
    const result = await bench.update({ parts: await partsOf(B) });
    assert.deepEqual([result.ok, result.verdict, result.error?.code], [false, "testing", "SMP_TRIAL_RUNNING"]);
    assert.deepEqual([flags(result.evidence.after), flags(await read(bench))], [TRIAL, TRIAL]);
  });

  it("is confirmed, and that is said, when it was away for long before that could be seen", async () => {
    const bench = newBench();
    bench.device.faults.add(only(image.writeState, nth(2, goneFor(bench, 9_000))));
    const result = await bench.update({ parts: await partsOf(B) });
    assert.deepEqual([result.ok, result.verdict, result.error], [true, "confirmed", undefined]);
    assert.deepEqual([flags(result.evidence.after), flags(await read(bench))], [NEW, NEW]);
  });

  it("is confirmed, and that is said, when it rebooted into a trial that confirms itself before the mark was answered", async () => {
    const bench = newBench({ trial: "self-confirming" });
    bench.device.faults.add(only(image.writeState, nth(1, rebootAfterIt(bench))));
    const result = await bench.update({ parts: await partsOf(B) });
    assert.deepEqual([result.ok, result.verdict, result.error], [true, "confirmed", undefined], result.because);
    assert.deepEqual(flags(await read(bench)), NEW);
  });

  it("shows in the evidence what a failed upload has left of it", async () => {
    const bench = newBench({ ...SMALL, slot1: buildImage({ version: "0.9.0", payloadBytes: 2_000 }) });
    bench.device.faults.add(only(image.upload, nth(4, refuseWith({ group: 1, rc: 1 }))));
    const result = await bench.update({ parts: await partsOf(SMALL_FILE) });
    assert.deepEqual(flags(result.evidence.before), ["0 1.0.0 active confirmed", "1 0.9.0"]);
    assert.deepEqual([result.verdict, result.evidence.after], ["failed", await read(bench)]);
    assert.deepEqual(flags(result.evidence.after), ["0 1.0.0 active confirmed"]);
  });

  it("is not downgraded when somebody else has updated it while the update was paused", async () => {
    const bench = newBench(SMALL);
    bench.hideLoss = true;
    const brake = new Brake();
    brake.pause();
    const onProgress = ({ phase }: DeviceProgress): void => {
      if (phase !== "paused" || !brake.isOn) return;
      bench.replaceDevice(new VirtualDevice({ ...SMALL, name: "newer", slot0: buildImage({ version: "9.9.9" }) }));
      brake.resume();
    };
    const result = await bench.update({
      parts: await partsOf(SMALL_FILE),
      policy: { versions: "not-older" },
      brake,
      onProgress,
    });
    assert.deepEqual([result.verdict, result.error?.code], ["failed", "SMP_UPLOAD_FAILED"], result.because);
    assert.equal(bench.requests("image.upload").length, 0);
  });

  for (const [at, hideLoss] of [
    [5, false],
    [5, true],
    [1, true],
  ] as const) {
    it(`is not mistaken for another that answers at its address from chunk ${at} on${hideLoss ? ", unnoticed by the link" : ""}`, async () => {
      const bench = newBench(SMALL);
      bench.hideLoss = hideLoss;
      const other = new VirtualDevice({ ...SMALL, name: "other", slot0: buildImage({ version: "9.9.9" }) });
      const before = other.store.snapshot(0, 1);
      let chunks = 0;
      bench.device.faults.add(only(image.upload, (exchange) => ++chunks >= at && exchange.lose()));
      bench.linkFault = () => {
        if (chunks === at && bench.device !== other) bench.replaceDevice(other);
        return undefined;
      };
      const result = await bench.update({ parts: await partsOf(SMALL_FILE) });
      assert.deepEqual([result.verdict, result.error?.code], ["failed", "SMP_UPLOAD_FAILED"], result.because);
      assert.match(result.because, /begun while 1\.0\.0 .* ran, and now the device is another \(slot 0: 9\.9\.9/);
      assert.match(result.error!.hint, /Another device answers at this address/);
      assert.deepEqual(Buffer.from(other.store.snapshot(0, 1)), Buffer.from(before), "nothing was erased or written");
    });
  }
});

describe("a device that runs a trial of its own", () => {
  const newBench = useBench();

  it("is not reset when it answers at the address of one that was about to be", async () => {
    const bench = newBench({ ...SMALL, slot1: SMALL_FILE });
    bench.hideLoss = true;
    const theirs = buildImage({ version: "0.9.0", payloadBytes: 2_000 });
    const other = new VirtualDevice({ ...SMALL, name: "other", slot1: theirs });
    other.store.setState(hashOf(theirs), false);
    other.reboot();
    await bench.toEnd(until(() => other.state === "application"));
    const isMarked = (): boolean => bench.device !== other && bench.device.store.list().some(({ pending }) => pending);
    bench.linkFault = ({ command }) => {
      if (command === "image.readState" && isMarked()) bench.replaceDevice(other);
      return undefined;
    };
    const result = await bench.update({ parts: await partsOf(SMALL_FILE) });
    assert.deepEqual([result.verdict, result.error?.code], ["failed", "SMP_WRONG_IMAGE"], result.because);
    assert.match(result.error!.hint, /another device answers at this address/);
    assert.deepEqual(flags(await read(bench)), ["0 0.9.0 active", "1 1.0.0 confirmed"]);
    assert.equal(bench.requests("os.reset").length, 0);
  });
});

describe("another client's image", () => {
  const newBench = useBench();

  it("that was marked for the next boot in mid-upload is left in its slot", async () => {
    const bench = newBench(SMALL);
    const theirs = buildImage({ version: "3.0.0", payloadBytes: 2_000 });
    const uploadAndMark: Fault = (exchange) =>
      exchange.changeAnswer((answer) => {
        bench.device.store.slot(0, 1).write(0, theirs);
        bench.device.store.setState(hashOf(theirs), false);
        return [answer];
      });
    bench.device.faults.add(only(image.erase, uploadAndMark));
    bench.device.faults.add(
      only(
        image.upload,
        nth(5, () => inProcess(bench.device).send(requestFrame(image.erase, {}))),
      ),
    );
    const result = await bench.update({ parts: await partsOf(SMALL_FILE) });
    assert.deepEqual([result.verdict, result.error?.code], ["failed", "SMP_IMAGE_PENDING"], result.because);
    assert.deepEqual(flags(await read(bench)), ["0 1.0.0 active confirmed", "1 3.0.0 pending"]);
  });
});

async function goTo(goal: UpdateGoal, bench: Bench): Promise<void> {
  assert.equal((await bench.update({ parts: await partsOf(B), policy: { goal } })).ok, true);
}

/** Serves the request, and reboots instead of answering. */
function rebootAfterIt({ device }: Bench): Fault {
  return (exchange) =>
    exchange.changeAnswer(() => {
      setImmediate(() => device.reboot());
      return [];
    });
}

/** Serves the request, and is off for a while instead of answering. */
function goneFor({ device }: Bench, ms: number): Fault {
  return (exchange) =>
    exchange.changeAnswer(() => {
      setImmediate(() => device.powerOff());
      setTimeout(() => device.powerOn(), ms);
      return [];
    });
}

describe("a trial", () => {
  const newBench = useBench();

  it("is not ended by the update's own reset when the device has rebooted into it by itself", async () => {
    const bench = newBench();
    bench.hideLoss = true;
    const isMarked = (): boolean => bench.requests("image.writeState").length > 0;
    let boots = 0;
    const reboot: Fault = (exchange) => {
      if (isMarked() && boots++ === 0) exchange.reboot();
    };
    bench.device.faults.add(only(image.readState, reboot));
    const result = await bench.update({ parts: await partsOf(B) });
    assert.deepEqual([result.ok, result.verdict], [true, "confirmed"], result.because);
    assert.equal(bench.requests("os.reset").length, 0, "a reset would have reverted it");
    assert.deepEqual(flags(await read(bench)), NEW);
  });

  for (const [standing, prepare] of [
    ["on trial", (bench: Bench) => goTo("test", bench)],
    ["current", (bench: Bench) => goTo("test-and-confirm", bench)],
  ] as const) {
    it(`is not confirmed for a file that is not the expected one, or not signed as it must be, though it is ${standing}`, async () => {
      const bench = newBench();
      await prepare(bench);
      const [part] = await partsOf(B);
      const wrong = await bench.update({ parts: [part!], policy: { fileSha256: "ab".repeat(32) } });
      assert.deepEqual([wrong.ok, wrong.error?.code], [false, "SMP_WRONG_FILE"]);
      const signature = await check(B, keyOf("ed25519"));
      const unsigned = await bench.update({ parts: [{ ...part!, signature }] });
      assert.deepEqual([unsigned.ok, unsigned.error?.code], [false, "SMP_BAD_SIGNATURE"]);
      assert.deepEqual(flags(await read(bench)), standing === "current" ? NEW : TRIAL);
    });
  }

  it("that ended while the gate waited is confirmed by nobody, and not made permanent", async () => {
    const bench = newBench();
    const ask = async (): Promise<boolean> => {
      bench.device.reboot();
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      return true;
    };
    const result = await bench.update({ parts: await partsOf(B), gate: { ask } });
    assert.deepEqual([result.ok, result.verdict, result.error?.code], [false, "reverted", "SMP_WRONG_IMAGE"]);
    assert.deepEqual([flags(result.evidence.after), flags(await read(bench))], [OLD, OLD]);
    assert.equal(bench.requests("image.writeState").length, 1, "the mark alone");
  });
});
