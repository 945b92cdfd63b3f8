import assert from "node:assert/strict";
import type { Gate, GateQuestion, UpdateResult } from "../../src/update/run-types";
import { image } from "../../src/smp/commands";
import { loseAnswer, loseRequest, nth, only } from "../../src/device/faults";
import { B, useBench, type Bench } from "./bench";
import { flags, read } from "./lifecycle";
import { partsOf } from "./parts";

const OLD = ["0 1.0.0 active confirmed", "1 1.2.3+4"];
const TRIAL = ["0 1.2.3+4 active", "1 1.0.0 confirmed"];

async function update(bench: Bench, options: { gate: Gate }): Promise<UpdateResult> {
  return bench.update({ parts: await partsOf(B), ...options });
}

function answering(answer: boolean, more: Omit<Gate, "ask"> = {}): Gate & { readonly asked: GateQuestion[] } {
  const asked: GateQuestion[] = [];
  const ask = async (question: GateQuestion): Promise<boolean> => {
    asked.push(question);
    return answer;
  };
  return { ...more, ask, asked };
}

describe("the gate of an update", () => {
  const newBench = useBench();

  it("is content with a firmware that confirms itself, and asks no gate then", async () => {
    const gate = answering(false);
    const result = await update(newBench({ trial: "self-confirming" }), { gate });
    assert.deepEqual([result.ok, result.verdict, gate.asked.length], [true, "confirmed", 0]);
  });

  it("asks the gate while the trial runs, and confirms when it passes", async () => {
    const gate = answering(true, { deadlineMs: 5_000 });
    const result = await update(newBench(), { gate });
    assert.deepEqual([result.ok, result.verdict, result.evidence.gate?.answer], [true, "confirmed", "passed"]);
    const [question] = gate.asked;
    assert.deepEqual([flags(question!.images), question!.deadlineMs, question!.device], [TRIAL, 5_000, "sensor-1"]);
  });

  it("leaves the trial to revert when the gate says no", async () => {
    const bench = newBench();
    const result = await update(bench, { gate: answering(false) });
    assert.deepEqual([result.ok, result.verdict, result.evidence.gate?.answer], [false, "testing", "declined"]);
    assert.deepEqual(flags(await read(bench)), TRIAL);
  });

  it("reverts at once when the gate says no and that is wanted", async () => {
    const result = await update(newBench(), { gate: answering(false, { revertAtOnce: true }) });
    assert.deepEqual([result.ok, result.verdict, flags(result.evidence.after)], [false, "reverted", OLD]);
  });

  it("does not call a device that is gone when the gate says no one on trial", async () => {
    const bench = newBench();
    const gate: Gate = {
      ask: async () => {
        bench.device.powerOff();
        return false;
      },
    };
    const result = await update(bench, { gate });
    assert.deepEqual([result.ok, result.verdict, result.evidence.gate?.answer], [false, "failed", "declined"]);
    assert.match(result.because, /does not answer/);
  });

  it("is not in its own way when it looks for a silent device that shall revert at once", async () => {
    const bench = newBench();
    bench.hideLoss = true;
    const gate: Gate = {
      revertAtOnce: true,
      ask: async () => {
        bench.device.powerOff();
        return false;
      },
    };
    const result = await update(bench, { gate });
    assert.deepEqual(
      [result.ok, result.verdict, result.error?.code],
      [false, "failed", "SMP_LINK_OPEN"],
      result.because,
    );
    assert.match(result.because, /last seen on trial/);
  });

  it("does not wait for an answer for ever", async () => {
    const gate: Gate = { ask: () => new Promise(() => undefined), deadlineMs: 60_000 };
    const result = await update(newBench(), { gate });
    assert.deepEqual([result.verdict, result.evidence.gate], ["testing", { answer: "expired", waitedMs: 60_000 }]);
    assert.match(result.because, /not answered within 60 s/);
  });

  it("leaves the device to others while the gate waits", async () => {
    const bench = newBench();
    const gate: Gate = {
      ask: () => bench.pool.use("sensor-1", { name: "look" }, async (device) => device.key === "sensor-1"),
    };
    assert.equal((await update(bench, { gate })).verdict, "confirmed");
  });

  it("says no when the firmware confirmed itself while the gate waited", async () => {
    const bench = newBench();
    const gate: Gate = {
      ask: async () => {
        bench.device.store.setState(undefined, true);
        return false;
      },
    };
    const result = await update(bench, { gate });
    assert.deepEqual([result.ok, result.verdict], [false, "confirmed"]);
  });
});

describe("an image that is to stay with no trial", () => {
  const newBench = useBench();
  const confirmOnly = async (bench: Bench): Promise<UpdateResult> =>
    bench.update({ parts: await partsOf(B), policy: { goal: "confirm" } });

  it("is refused by builds that forbid it, with the cure, and nothing changes", async () => {
    const bench = newBench({ allowConfirmNonActiveSlot: false });
    const result = await confirmOnly(bench);
    assert.deepEqual([result.verdict, result.error?.code], ["failed", "SMP_DEVICE"]);
    assert.match(result.error!.hint, /try the image before it is confirmed/);
    assert.deepEqual(flags(await read(bench)), OLD);
  });

  for (const fault of [loseRequest, loseAnswer]) {
    it(`is marked though the ${fault === loseRequest ? "request" : "answer"} is lost`, async () => {
      const bench = newBench();
      bench.device.faults.add(only(image.writeState, nth(1, fault)));
      const result = await confirmOnly(bench);
      assert.deepEqual([result.ok, result.verdict], [true, "confirmed"], result.because);
    });
  }
});
