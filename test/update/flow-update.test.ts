import assert from "node:assert/strict";
import { nowMs } from "../../src/clock";
import { loseRequest, nth, only } from "../../src/device/faults";
import { SmpError } from "../../src/errors";
import { os } from "../../src/smp/commands";
import { inspectFirmware } from "../../src/image/inspect";
import { openFirmware } from "../../src/image/source";
import { confirmImage } from "../../src/update/confirm-image";
import { resetDevice } from "../../src/update/reset-device";
import { testImage as markForTest } from "../../src/update/test-image";
import type { UploadResult } from "../../src/update/types";
import { uploadFirmware } from "../../src/update/upload";
import { useFaultyFlow, type FaultyFlow, type Faults } from "../transport/flow/faulty-flow";
import { A, B, C } from "./bench";
import { rejectsWith } from "./expect";

const DEVICE = { slot0: A, slotBytes: 128 * 1024, pace: "brisk" as const };
const SEEDS = 3;

async function upload(flow: FaultyFlow, file: Uint8Array): Promise<UploadResult> {
  const source = await openFirmware(file);
  const info = await inspectFirmware(source);
  return await flow.run((device) => uploadFirmware(device, source, info));
}

/** Upload, test, reset, confirm. */
async function update(flow: FaultyFlow): Promise<void> {
  const { firmware } = await upload(flow, B);
  const { hash } = firmware;
  await flow.run((device) => markForTest(device, { hash, image: 0 }));
  await flow.run((device) => resetDevice(device));
  const [running] = await flow.run((device) => confirmImage(device, { hash, image: 0 }));
  assert.deepEqual([running!.active, running!.confirmed, running!.hash], [true, true, hash]);
  assert.ok(Buffer.from(flow.device.store.slot(0, 0).read(0, B.length)).equals(B), "the device runs what was sent");
}

describe("an update through a flow", function () {
  this.timeout(60_000);
  const faultyFlow = useFaultyFlow();

  const hardships: [string, Faults][] = [
    ["5 % of the messages lost", { lost: 0.05 }],
    ["5 % doubled", { doubled: 0.05 }],
    ["delays of 200 to 2,000 ms, with which they overtake each other", { delayMs: [200, 2_000] }],
    ["all of it at once", { lost: 0.05, doubled: 0.05, delayMs: [200, 2_000] }],
  ];
  for (const [name, faults] of hardships) {
    for (const maxMessageBytes of [256, 4096]) {
      it(`ends confirmed with ${name}, in messages of ${maxMessageBytes} bytes`, async () => {
        for (let seed = 1; seed <= SEEDS; seed++) {
          const flow = faultyFlow(DEVICE, faults, seed, { maxMessageBytes });
          await update(flow);
          const { sent, received, repeated, foreign, unknownDevice, garbage } = flow.channel.counters;
          assert.deepEqual([foreign, unknownDevice, garbage], [0, 0, 0]);
          assert.equal(received < sent, faults.lost !== undefined, `${received} of ${sent} answered`);
          if (maxMessageBytes === 256) assert.equal(repeated > 0, faults.doubled !== undefined, `${repeated} repeated`);
        }
      });
    }
  }

  it("fits the largest message in each form, and takes little more than the file", async () => {
    const flow = faultyFlow(DEVICE, {}, 1, { maxMessageBytes: 1024 });
    await update(flow);
    // Base64 makes four bytes of three.
    assert.ok(flow.largestMessage <= 1024 && flow.largestMessage > 1000, `${flow.largestMessage} bytes`);
    assert.ok(flow.bytes < (B.length * 1.15 * 4) / 3, `${flow.bytes} bytes`);
  });

  it("finds the size that works when the far end cuts larger frames and stays silent (field case 3)", async () => {
    for (const cutAtBytes of [1_500, 1_000, 244, 110]) {
      const flow = faultyFlow(DEVICE, { cutAtBytes, delayMs: [75, 75] }, 1);
      const { outcome, elapsedMs } = await upload(flow, B);
      assert.equal(outcome, "uploaded");
      assert.ok(Buffer.from(flow.device.store.slot(0, 1).read(0, B.length)).equals(B));
      assert.ok(flow.cut > 0, "it had to find out");
      const used = Math.max(...flow.played.slice(-10));
      assert.ok(used <= cutAtBytes && used > cutAtBytes * 0.9, `frames of ${used} bytes`);
      assert.ok(elapsedMs < 180_000, `${elapsedMs} ms`);

      await flow.run((device) => device.drop());
      const { cut } = flow;
      await upload(flow, C);
      assert.equal(flow.cut, cut, "what was learnt serves the next session");
    }
  });

  it("names frame length, limit, expected and received offset when no size works (field case 3)", async () => {
    const flow = faultyFlow(DEVICE, { cutAtBytes: 90, delayMs: [50, 100] }, 1);
    const error: SmpError = await rejectsWith("SMP_TIMEOUT", () => upload(flow, B));
    const { frameLength, limit, expectedOff, off } = error.details;
    assert.ok(frameLength! > 90 && limit! >= frameLength! && expectedOff! > 0);
    assert.equal(off, 0);
    assert.match(
      error.message,
      /with frames of .*bytes \(link and device carry \d+\); expected off \d+, received nothing/,
    );
  });

  it("goes on where it stopped after a restart, though answers to the process before still come", async () => {
    const flow = faultyFlow(DEVICE, { delayMs: [1_000, 1_000] }, 1, { maxMessageBytes: 1024 });
    const gone = new AbortController();
    const source = await openFirmware(B);
    const info = await inspectFirmware(source);
    const signal = gone.signal;
    const onProgress = ({ offBytes }: { offBytes: number }): void => void (offBytes > 20_000 && gone.abort());
    await rejectsWith("SMP_ABORTED", () =>
      flow.run((device) => uploadFirmware(device, source, info, { signal, onProgress })),
    );
    flow.restart();
    const { resumedFromBytes } = await upload(flow, B);
    assert.ok(resumedFromBytes > 20_000, `resumed from ${resumedFromBytes}`);
    assert.ok(Buffer.from(flow.device.store.slot(0, 1).read(0, B.length)).equals(B));
    assert.ok(flow.refused.length > 0, "answers to the process before came");
    assert.ok(flow.refused.every(({ code }) => code === "SMP_NO_SESSION" || code === "SMP_UNKNOWN_DEVICE"));
  });

  it("survives a far end that says for a while that the device is offline", async () => {
    const flow = faultyFlow(DEVICE, { delayMs: [50, 100] }, 1, { maxMessageBytes: 1024 });
    flow.offline = { from: 30, to: 33 };
    const { retries } = await upload(flow, B);
    assert.ok(retries > 0);
    assert.equal(flow.channel.counters.failures, 3);
    assert.ok(Buffer.from(flow.device.store.slot(0, 1).read(0, B.length)).equals(B));
  });

  it("ends at once with the far end's words when it says that the device will not come back", async () => {
    const flow = faultyFlow(DEVICE, {}, 1, { maxMessageBytes: 1024 });
    flow.offline = { from: 30, to: Infinity, retryable: false };
    const error: SmpError = await rejectsWith("SMP_UNREACHABLE", () => upload(flow, B));
    assert.match(error.message, /device offline/);
    assert.ok(flow.messages < 40);
    assert.equal(error.retryable, false);
  });

  it("resets the device once more when the reset was lost, and not before the first can no more arrive", async () => {
    const maxRoundTripMs = 20_000;
    const flow = faultyFlow(DEVICE, { delayMs: [75, 75] }, 1, { maxRoundTripMs });
    flow.device.faults.add(only(os.reset, nth(1, loseRequest)));
    const resets: number[] = [];
    flow.device.faults.add(only(os.reset, () => void resets.push(nowMs())));
    await update(flow);
    assert.equal(resets.length, 2);
    assert.ok(resets[1]! - resets[0]! > maxRoundTripMs);
  });

  it("keeps to the rate, and waits for turns without mistaking that for silence", async () => {
    const flow = faultyFlow(DEVICE, {}, 1, { messagesPerSecond: 0.5 });
    const { retries, elapsedMs } = await upload(flow, B);
    assert.equal(retries, 0);
    assert.ok(elapsedMs >= (flow.messages - 5) * 2_000, `${flow.messages} messages in ${elapsedMs} ms`);
    assert.equal(flow.channel.counters.sent, flow.messages);
  });
});
