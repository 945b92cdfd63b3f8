import assert from "node:assert/strict";
import FakeTimers, { type Clock } from "@sinonjs/fake-timers";
import { commands, type VirtualDevice } from "../../src/index";
import {
  answerGarbage,
  answerWrongSequence,
  crashAtStart,
  fromNth,
  loseAnswer,
  loseRequest,
  neverComeBack,
  nth,
  only,
  rebootInstead,
  skipBootloader,
  type BootFault,
  type Fault,
} from "../../src/device/faults";
import { deviceOf, stateOf } from "./device";
import { pool, RunningFlow, surrounded, tab, type Msg } from "./flow";

const target = { pool: "pool", device: "sensor-1" };
const FIRMWARE = { firmware: "sample:1.5.0", firmwareType: "str" };
const HASH = { hash: "smp.firmware.hash", hashType: "msg" };
/** Nobody waits for a real deadline: this much passes in each turn of the event loop that the device does not need. */
const STEP_MS = 200;

describe("a device that", () => {
  const bench = pool({ attempts: "2" });
  let flow: RunningFlow;
  let device: VirtualDevice;
  let clock: Clock | undefined;

  beforeEach(async () => {
    flow = await RunningFlow.load([
      tab,
      bench,
      ...surrounded("connect", "smp-connect", { pool: "pool", device: "sensor-1", deviceType: "str" }),
      ...surrounded("state", "smp-image-state", { firmwareType: "none" }),
      ...surrounded("upload", "smp-upload", FIRMWARE),
      ...surrounded("test", "smp-test", HASH),
      ...surrounded("reset", "smp-reset", { waitS: "20" }),
      ...surrounded("confirm", "smp-confirm", HASH),
    ]);
    device = deviceOf(bench);
  });
  afterEach(async () => {
    clock?.uninstall();
    clock = undefined;
    await flow.end();
  });

  /** The message on its way through the nodes up to one of them. */
  async function upTo(node: "upload" | "test" | "reset" | "confirm"): Promise<Msg> {
    let msg: Msg = { smp: { ...target } };
    for (const step of ["upload", "test", "reset"]) {
      if (step === node) break;
      msg = await flow.ask(step, msg);
    }
    return msg;
  }

  /** Lets time fly until the node has reported the error, and checks what a user needs of it. */
  async function errorOf(id: string, msg: Msg, code: string, message: RegExp): Promise<Msg> {
    clock = FakeTimers.install({
      toFake: ["setTimeout", "clearTimeout", "performance"],
      shouldClearNativeTimers: true,
    });
    flow.put(id, msg);
    while (flow.all(`${id} error`).length === 0 && flow.all(`${id} result`).length === 0) {
      await clock.tickAsync(STEP_MS);
      for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
    }
    clock.uninstall();
    const failed = await flow.next(`${id} error`);
    assert.equal(failed.error.code, code, failed.error.message);
    assert.match(failed.error.message, message);
    assert.equal(failed.smp.error.device, "sensor-1");
    assert.ok(failed.smp.error.hint.length > 10);
    return failed;
  }

  const { image, os } = commands;
  const silences: {
    node: "state" | "upload" | "test" | "reset" | "confirm";
    fault: Fault;
    left: string;
    message: RegExp;
  }[] = [
    {
      node: "state",
      fault: only(image.readState, loseRequest),
      left: "1.0.0 active confirmed",
      message: /image.*state/i,
    },
    { node: "upload", fault: only(image.upload, loseRequest), left: "1.0.0 active confirmed", message: /upload/ },
    {
      node: "upload",
      fault: only(image.upload, fromNth(3, loseRequest)),
      left: "1.0.0 active confirmed",
      message: /upload/,
    },
    {
      node: "test",
      fault: only(image.writeState, loseRequest),
      left: "1.0.0 active confirmed, 1.5.0",
      message: /state/i,
    },
    {
      node: "reset",
      fault: only(os.reset, loseRequest),
      left: "1.0.0 active confirmed, 1.5.0 pending",
      message: /reset/,
    },
    {
      node: "confirm",
      fault: only(image.writeState, loseRequest),
      left: "1.5.0 active, 1.0.0 confirmed",
      message: /state/i,
    },
  ];
  for (const [index, { node, fault, left, message }] of silences.entries()) {
    it(`goes silent during ${node} (${index + 1}): SMP_TIMEOUT, and it is left as it was`, async () => {
      const msg = node === "state" ? { smp: { ...target } } : await upTo(node);
      device.faults.add(fault);
      const failed = await errorOf(node, msg, "SMP_TIMEOUT", message);
      assert.equal(failed.smp.error.retryable, true);
      assert.equal(stateOf(device), left);
      assert.equal(flow.texts(node).at(-1), "no answer");

      device.faults.clear();
      const again = await flow.ask(node, { ...msg });
      assert.equal("error" in again.smp, false, "it works again as soon as the device answers");
    });
  }

  it("is silent from the first: SMP_TIMEOUT at the connect node", async () => {
    device.faults.add(loseAnswer);
    await errorOf("connect", {}, "SMP_TIMEOUT", /link to virtual:sensor-1 is open, but no SMP answer came/);
    assert.equal(stateOf(device), "1.0.0 active confirmed");
  });

  it("answers garbage: SMP_TIMEOUT that shows what came instead", async () => {
    device.faults.add(only(image.readState, answerGarbage()));
    const message = /image\.readState from virtual:sensor-1.*frames that are no SMP message: 2/;
    const failed = await errorOf("state", { smp: { ...target } }, "SMP_TIMEOUT", message);
    assert.equal(failed.smp.error.phase, "image state");
    assert.equal(stateOf(device), "1.0.0 active confirmed");
  });

  it("answers with another's sequence number: such answers are nobody's", async () => {
    device.faults.add(only(image.readState, answerWrongSequence));
    await errorOf("state", { smp: { ...target } }, "SMP_TIMEOUT", /answers to nobody/);
    assert.equal(stateOf(device), "1.0.0 active confirmed");
  });

  it("reboots in mid-upload gets the whole image nevertheless", async () => {
    device.faults.add(only(image.upload, nth(5, rebootInstead)));
    const done = await flow.ask("upload", { smp: { ...target } });
    assert.equal(done["payload"].outcome, "uploaded");
    assert.equal(device.boots, 2);
    assert.equal(stateOf(device), "1.0.0 active confirmed, 1.5.0");
  });

  const boots: { name: string; fault: BootFault; code: string; message: RegExp; verdict: string; left: string }[] = [
    {
      name: "comes back with the old image, the new one having crashed",
      fault: crashAtStart,
      code: "SMP_REVERTED",
      message: /1\.0\.0 runs again/,
      verdict: "reverted",
      left: "1.0.0 active confirmed, 1.5.0",
    },
    {
      name: "comes back with the old image, and the new one still pending",
      fault: skipBootloader,
      code: "SMP_NOT_SWAPPED",
      message: /1\.5\.0 is still pending/,
      verdict: "not-swapped",
      left: "1.0.0 active confirmed, 1.5.0 pending",
    },
    {
      name: "does not come back",
      fault: neverComeBack,
      code: "SMP_UNREACHABLE_AFTER_RESET",
      message: /did not come back within 20 s.*1\.5\.0/,
      verdict: "unreachable-after-reset",
      left: "1.0.0 active confirmed, 1.5.0 pending",
    },
  ];
  for (const { name, fault, code, message, verdict, left } of boots) {
    it(`${name}: ${code}, with the verdict`, async () => {
      const msg = await upTo("reset");
      device.faults.addBoot(fault);
      const failed = await errorOf("reset", msg, code, message);
      assert.deepEqual([failed.smp.error.verdict, failed.smp.verdict], [verdict, verdict]);
      assert.equal(flow.all("reset progress").at(-1)!.smp.phase, "failed");
      assert.equal(stateOf(device), left);
    });
  }

  it("reverts a trial that nobody confirms: a result, for it was promised", async () => {
    const tested = await flow.ask("reset", await upTo("reset"));
    assert.equal(tested.smp.verdict, "testing");
    const reverted = await flow.ask("reset", tested);
    assert.equal(reverted.smp.verdict, "reverted");
    assert.equal(flow.texts("reset").at(-1), "reverted");
    const refused = await flow.ask("confirm", reverted, "confirm error");
    assert.equal(refused.error.code, "SMP_WRONG_IMAGE");
    assert.equal(refused.smp.verdict, "reverted");
    assert.equal(stateOf(device), "1.0.0 active confirmed, 1.5.0");
  });

  it("runs a trial takes no other firmware: SMP_TRIAL_RUNNING", async () => {
    const tested = await flow.ask("reset", await upTo("reset"));
    const failed = await flow.ask("upload", tested, "upload error");
    assert.match(failed.error.code, /^SMP_(TRIAL_RUNNING|STATE_UNCHANGED)$/);
    assert.equal(stateOf(device), "1.5.0 active, 1.0.0 confirmed");
  });
});
