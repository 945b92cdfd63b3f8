import assert from "node:assert/strict";
import {
  answerGarbage,
  answerWrongSequence,
  delayAnswer,
  duplicateAnswer,
  fromNth,
  loseAnswer,
  loseRequest,
  nth,
  only,
  rebootInstead,
  truncateAnswer,
  type Fault,
} from "../../src/device/faults";
import { image } from "../../src/smp/commands";
import type { UploadProgress } from "../../src/update/types";
import { buildImage } from "../build-image";
import { SMALL, SMALL_FILE, useBench, type BenchOptions } from "./bench";
import { rejectsWith } from "./expect";

describe("upload over a bad link", () => {
  const newBench = useBench();

  /** How many requests of any kind an undisturbed upload takes. */
  async function undisturbed(options: BenchOptions): Promise<{ all: number; chunks: number }> {
    const bench = newBench(options);
    await bench.upload(SMALL_FILE);
    return { all: bench.sent.length, chunks: bench.requests("image.upload").length };
  }

  const faults: Record<string, Fault> = {
    "a lost request": loseRequest,
    "a lost answer": loseAnswer,
    "a repeated answer": duplicateAnswer,
    "an answer with a wrong sequence number": answerWrongSequence,
    "garbage for an answer": answerGarbage(),
    "half an answer": truncateAnswer(11),
    "a late answer": delayAnswer(3_000),
  };
  for (const [what, fault] of Object.entries(faults)) {
    for (const window of [1, 3]) {
      it(`survives ${what} at any position with a window of ${window}`, async () => {
        const { all } = await undisturbed({ ...SMALL });
        for (let position = 1; position <= all; position++) {
          const bench = newBench(SMALL);
          bench.device.faults.add(nth(position, fault));
          const result = await bench.upload(SMALL_FILE, { window });
          bench.assertSlot(1, SMALL_FILE);
          assert.equal(result.outcome, "uploaded", `request ${position}`);
          assert.ok(bench.firstChunks <= 2, `request ${position}: started ${bench.firstChunks} times`);
        }
      });
    }
  }

  it("knows from the image state that it is complete when the last answer is lost", async () => {
    const { chunks } = await undisturbed(SMALL);
    const bench = newBench(SMALL);
    bench.device.faults.add(only(image.upload, nth(chunks, loseAnswer)));
    const result = await bench.upload(SMALL_FILE);
    assert.equal(result.sentBytes, SMALL_FILE.length);
    assert.equal(bench.firstChunks, 1);
  });

  it("sends only the last chunk again when that is lost, with servers that forget and servers that do not", async () => {
    for (const profile of ["zephyr-4.4", "zephyr-3.2"] as const) {
      const { chunks } = await undisturbed({ ...SMALL, profile });
      const bench = newBench({ ...SMALL, profile });
      bench.device.faults.add(only(image.upload, nth(chunks, loseRequest)));
      const result = await bench.upload(SMALL_FILE);
      bench.assertSlot(1, SMALL_FILE);
      assert.equal(bench.firstChunks, 1);
      assert.equal(bench.requests("image.upload").length, chunks + 1);
      assert.equal(result.retries, 1);
    }
  });

  it("survives any mixture of losses, repetitions and delays", async () => {
    const mixture = [loseRequest, loseAnswer, duplicateAnswer, delayAnswer(4_000), answerWrongSequence];
    for (let seed = 1; seed <= 24; seed++) {
      const random = pseudoRandom(seed);
      const bench = newBench({ ...SMALL, bufCount: 9 });
      const storm: Fault = (exchange) => random() < 0.25 && mixture[Math.floor(random() * mixture.length)]!(exchange);
      bench.device.faults.add(only(image.upload, storm));
      const result = await bench.upload(SMALL_FILE, { window: 1 + (seed % 8) });
      bench.assertSlot(1, SMALL_FILE);
      assert.equal(result.outcome, "uploaded", `seed ${seed}`);
    }
  });

  for (const cut of ["cut", "cut-after"] as const) {
    for (const window of [1, 3]) {
      it(`takes the upload up when the link breaks (${cut}) at any request, with a window of ${window}`, async () => {
        const { all, chunks } = await undisturbed(SMALL);
        const reported: string[] = [];
        // The first request opens the session: that it fails is no matter of the upload.
        for (let position = 2; position <= all; position++) {
          const bench = newBench(SMALL);
          bench.linkFault = (_, count) => (count === position ? cut : undefined);
          const onProgress = ({ phase }: UploadProgress): void => void reported.push(phase);
          const result = await bench.upload(SMALL_FILE, { window, onProgress });
          bench.assertSlot(1, SMALL_FILE);
          assert.equal(result.outcome, "uploaded");
          // Nothing that the device had is sent again: at most the window, and the first chunk that asks where it is.
          const sent = bench.requests("image.upload").length;
          assert.ok(sent <= chunks + window + 1, `request ${position}: ${sent} chunks instead of ${chunks}`);
        }
        assert.ok(reported.includes("reconnecting"));
      });
    }
  }

  it("does not erase the slot again when the link breaks after the last chunk", async () => {
    const bench = newBench({ ...SMALL, imageCheck: false });
    bench.linkFault = ({ body }) => {
      const data = body["data"] as Uint8Array | undefined;
      return data && Number(body["off"]) + data.length === SMALL_FILE.length ? "cut-after" : undefined;
    };
    const result = await bench.upload(SMALL_FILE);
    bench.assertSlot(1, SMALL_FILE);
    assert.equal(bench.firstChunks, 1);
    assert.equal(result.sentBytes, SMALL_FILE.length);
  });

  it("goes on for as long as each new link gets a little further", async () => {
    const bench = newBench(SMALL);
    bench.linkFault = ({ body }) => (Number(body["off"]) > 0 ? "cut-after" : undefined);
    const file = buildImage({ version: "1.2.0", payloadBytes: 6_000 });
    const result = await bench.upload(file, { window: 1 });
    bench.assertSlot(1, file);
    assert.ok(result.retries > 6, `${result.retries} links`);
  });

  it("starts again, from the image state, when the device reboots in the middle at any request", async () => {
    const { all } = await undisturbed(SMALL);
    for (let position = 2; position <= all; position++) {
      const bench = newBench(SMALL);
      bench.device.faults.add(nth(position, rebootInstead));
      const result = await bench.upload(SMALL_FILE);
      bench.assertSlot(1, SMALL_FILE);
      assert.equal(result.outcome, "uploaded");
      assert.ok(bench.firstChunks <= 2);
    }
  });

  it("tries the first chunk as often as ever after a reboot that cost other chunks", async () => {
    const bench = newBench(SMALL);
    bench.hideLoss = true;
    // The sixth finds that the device has forgotten; with the seventh it begins anew.
    for (const at of [3, 4, 7, 8]) bench.device.faults.add(only(image.upload, nth(at, loseRequest)));
    bench.device.faults.add(only(image.upload, nth(5, rebootInstead)));
    const result = await bench.upload(SMALL_FILE, { window: 1 });
    assert.deepEqual([result.outcome, result.startedOver], ["uploaded", 1]);
    bench.assertSlot(1, SMALL_FILE);
  });

  it("gives up on a device that reboots again and again", async () => {
    const bench = newBench(SMALL);
    bench.device.faults.add((exchange) => {
      if (Number(exchange.body["off"]) > 700) exchange.reboot();
    });
    const error = await rejectsWith("SMP_UPLOAD_FAILED", () => bench.upload(SMALL_FILE, { window: 1 }));
    assert.match(error.message, /was lost by the device 4 times/);
    assert.equal(error.retryable, true);
    bench.assertSlot(0, SMALL.slot0!);
  });

  it("gives up when the link breaks again and again without progress", async () => {
    const bench = newBench(SMALL);
    bench.linkFault = ({ body }) => (Number(body["off"]) > 700 ? "cut" : undefined);
    const error = await rejectsWith("SMP_LINK_LOST", () => bench.upload(SMALL_FILE, { window: 1 }));
    assert.match(error.message, new RegExp(`stopped at ${error.details.off} of ${SMALL_FILE.length} bytes`));
    bench.linkFault = () => undefined;
    assert.equal((await bench.upload(SMALL_FILE)).resumedFromBytes, error.details.off);
  });

  it("ends with a resumable error when the link does not come back", async () => {
    const bench = newBench(SMALL);
    bench.linkFault = ({ body }) => {
      if (Number(body["off"]) > 0) bench.device.powerOff();
      return undefined;
    };
    const error = await rejectsWith("SMP_LINK_LOST", () => bench.upload(SMALL_FILE));
    assert.equal(error.details.phase, "reconnecting");
    assert.equal(error.retryable, true);
    assert.ok(error.details.off! > 0);
    assert.match(error.message, new RegExp(`stopped at ${error.details.off} of ${SMALL_FILE.length} bytes`));
  });

  it("can be aborted at any chunk, and goes on from there the next time", async () => {
    const { chunks } = await undisturbed(SMALL);
    for (let position = 1; position <= chunks; position++) {
      const bench = newBench(SMALL);
      const controller = new AbortController();
      let seen = 0;
      bench.linkFault = ({ command }) => {
        if (command === "image.upload" && ++seen === position) controller.abort();
        return undefined;
      };
      const error = await rejectsWith("SMP_ABORTED", () =>
        bench.upload(SMALL_FILE, { window: 1, signal: controller.signal }),
      );
      assert.equal(error.retryable, true);
      bench.linkFault = () => undefined;
      const result = await bench.upload(SMALL_FILE, { window: 1 });
      bench.assertSlot(1, SMALL_FILE);
      if (position === chunks) {
        assert.equal(result.outcome, "already-in-slot");
        continue;
      }
      assert.equal(result.resumedFromBytes > 0, position > 1, `aborted at chunk ${position}`);
      // What the device had is not sent again, but for the first chunk that asks where it is.
      assert.ok(result.sentBytes - bench.firstChunkBytes <= SMALL_FILE.length - result.resumedFromBytes);
    }
  });

  it("is stopped at once by an abort, also while the device is silent", async () => {
    const bench = newBench(SMALL);
    const controller = new AbortController();
    bench.device.faults.add(only(image.upload, fromNth(3, loseRequest)));
    let abortedMs = 0;
    const onProgress = ({ offBytes }: UploadProgress): void => {
      if (offBytes === 0 || abortedMs > 0) return;
      abortedMs = performance.now() + 1_000;
      setTimeout(() => controller.abort(), 1_000);
    };
    await rejectsWith("SMP_ABORTED", () => bench.upload(SMALL_FILE, { signal: controller.signal, onProgress }));
    assert.equal(performance.now(), abortedMs);
  });

  it("does not wait for a lost chunk in vain when a later one is answered", async () => {
    const bench = newBench(SMALL);
    bench.device.faults.add(only(image.upload, nth(3, loseRequest)));
    const result = await bench.upload(SMALL_FILE, { window: 3 });
    bench.assertSlot(1, SMALL_FILE);
    assert.ok(result.elapsedMs < image.upload.timeoutMs, `${result.elapsedMs} ms`);
  });

  it("throws the reason of an abort as it is", async () => {
    const bench = newBench(SMALL);
    const controller = new AbortController();
    const onProgress = ({ phase }: UploadProgress): void => {
      if (phase === "uploading") controller.abort(new RangeError("enough"));
    };
    const error = await rejectsWith("SMP_ABORTED", () =>
      bench.upload(SMALL_FILE, { signal: controller.signal, onProgress }),
    );
    assert.ok(error.cause instanceof RangeError);
  });

  it("says that it began anew when the device reboots after the upload was taken up again", async () => {
    const bench = newBench(SMALL);
    const controller = new AbortController();
    const onProgress = ({ offBytes }: UploadProgress): void => {
      if (offBytes > 900) controller.abort();
    };
    await rejectsWith("SMP_ABORTED", () => bench.upload(SMALL_FILE, { signal: controller.signal, onProgress }));
    bench.device.faults.add(only(image.upload, nth(3, rebootInstead)));
    const result = await bench.upload(SMALL_FILE, { window: 1 });
    bench.assertSlot(1, SMALL_FILE);
    assert.deepEqual([result.resumedFromBytes, result.startedOver], [0, 1]);
    assert.ok(result.sentBytes >= SMALL_FILE.length, "nothing of the earlier upload was of use");
  });

  it("still says where it was taken up when only the link was lost since", async () => {
    const bench = newBench(SMALL);
    const controller = new AbortController();
    const onProgress = ({ offBytes }: UploadProgress): void => {
      if (offBytes > 900) controller.abort();
    };
    const { signal } = controller;
    await rejectsWith("SMP_ABORTED", () => bench.upload(SMALL_FILE, { window: 1, signal, onProgress }));
    let chunks = 0;
    bench.linkFault = ({ command }) => (command === "image.upload" && ++chunks === 3 ? "cut" : undefined);
    const result = await bench.upload(SMALL_FILE, { window: 1 });
    assert.ok(result.retries > 0, "the link was cut");
    assert.ok(result.resumedFromBytes > 900, `resumed from ${result.resumedFromBytes}`);
    assert.equal(result.startedOver, 0);
  });

  it("does not mix up two files: another one starts fresh", async () => {
    const bench = newBench(SMALL);
    const controller = new AbortController();
    const onProgress = ({ offBytes }: UploadProgress): void => {
      if (offBytes > 900) controller.abort();
    };
    await rejectsWith("SMP_ABORTED", () => bench.upload(SMALL_FILE, { signal: controller.signal, onProgress }));
    const other = buildImage({ version: "1.2.0", payloadBytes: 3_000 });
    const result = await bench.upload(other);
    bench.assertSlot(1, other);
    assert.equal(result.resumedFromBytes, 0);
  });
});

/** The same numbers from 0 to 1 for the same seed (Park and Miller). */
function pseudoRandom(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}
