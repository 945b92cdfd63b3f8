import assert from "node:assert/strict";
import { loseAnswer, loseRequest, nth, only, refuseWith } from "../../src/device/faults";
import { image } from "../../src/smp/commands";
import { decodeMessage, encodeMessage, type CborMap } from "../../src/smp/message";
import { confirmImage } from "../../src/update/confirm-image";
import { testImage } from "../../src/update/test-image";
import { buildImage, hashOf } from "../build-image";
import { B, C, useBench, type Bench, type BenchOptions } from "./bench";
import { rejectsWith } from "./expect";
import { confirm, flags, HASH_B, read, reset, test, UPLOADED } from "./lifecycle";

describe("confirm", () => {
  const newBench = useBench();

  async function onTrial(options: BenchOptions = {}): Promise<Bench> {
    const bench = newBench({ ...UPLOADED, ...options });
    await test(bench);
    await reset(bench);
    return bench;
  }

  it("keeps the image that runs on trial", async () => {
    const bench = await onTrial();
    assert.deepEqual(flags(await confirm(bench)), ["0 1.2.3+4 active confirmed", "1 1.0.0"]);
    await reset(bench);
    assert.equal(bench.device.version, "1.2.3.4");
  });

  it("keeps whatever runs when no image is named", async () => {
    const bench = await onTrial();
    const state = await bench.run((device) => confirmImage(device));
    assert.equal(state[0]?.confirmed, true);
    assert.deepEqual(bench.requests("image.writeState").at(-1), { confirm: true });
  });

  it("names the image when it is not the first one, which a request without a hash would mean", async () => {
    const second = (version: string): Buffer => buildImage({ version, payloadBytes: 1_000 });
    const bench = newBench({
      imageCount: 2,
      image1Slot0: second("5.0.0"),
      image1Slot1: second("6.0.0"),
      allowConfirmNonActiveImageAny: true,
    });
    const hash = hashOf(second("6.0.0")).toString("hex");
    await bench.run((device) => testImage(device, { hash, image: 1 }));
    await reset(bench);
    const state = await bench.run((device) => confirmImage(device, { image: 1 }));
    const running = state.find((slot) => slot.image === 1 && slot.active);
    assert.deepEqual([running?.version, running?.confirmed], ["6.0.0", true]);
  });

  it("leaves an image alone that is confirmed already", async () => {
    const bench = newBench({ slot0: B });
    assert.equal((await confirm(bench))[0]?.confirmed, true);
    assert.equal(bench.requests("image.writeState").length, 0);
  });

  for (const fault of [loseRequest, loseAnswer]) {
    it(`works when the ${fault === loseRequest ? "request" : "answer"} is lost`, async () => {
      const bench = await onTrial();
      bench.device.faults.add(only(image.writeState, nth(1, fault)));
      assert.deepEqual(flags(await confirm(bench)), ["0 1.2.3+4 active confirmed", "1 1.0.0"]);
    });
  }

  it("never confirms another image than the wanted one, and says where that is", async () => {
    const cases: {
      options: BenchOptions;
      before?: (bench: Bench) => Promise<unknown>;
      verdict: string;
      says: RegExp;
    }[] = [
      { options: {}, verdict: "rejected-by-bootloader", says: /it is in no slot/ },
      { options: UPLOADED, verdict: "reverted", says: /in slot 1 and unmarked/ },
      { options: UPLOADED, before: test, verdict: "not-swapped", says: /in slot 1 and still pending/ },
    ];
    for (const { options, before, verdict, says } of cases) {
      const bench = newBench(options);
      await before?.(bench);
      const state = await read(bench);
      const writes = bench.requests("image.writeState").length;
      const error = await rejectsWith("SMP_WRONG_IMAGE", () => confirm(bench));
      assert.equal(error.details.verdict, verdict);
      assert.match(error.message, says);
      assert.equal(bench.requests("image.writeState").length, writes);
      assert.deepEqual(await read(bench), state);
    }
  });

  it("does not confirm the old image when the trial is over before the confirmation arrives", async () => {
    const bench = await onTrial();
    let rebooted = false;
    bench.device.faults.add(
      only(image.writeState, (exchange) => {
        if (!rebooted) exchange.reboot();
        rebooted = true;
      }),
    );
    const error = await rejectsWith("SMP_WRONG_IMAGE", () => confirm(bench));
    assert.equal(error.details.verdict, "reverted");
    assert.deepEqual(flags(await read(bench)), ["0 1.0.0 active confirmed", "1 1.2.3+4"]);
  });

  for (const mode of ["swap-move", "direct-xip-revert"] as const) {
    it(`does not make an image stay that has just crashed on its trial, with a device that is quickly back (${mode})`, async () => {
      const bench = newBench({ mode });
      bench.hideLoss = true;
      await bench.upload(B);
      await test(bench);
      await reset(bench);
      bench.linkFault = ({ command }) => (command === "image.writeState" ? "reboot" : undefined);
      await rejectsWith("SMP_WRONG_IMAGE", () => confirm(bench));
      assert.equal(bench.requests("image.writeState").length, 2);
      bench.device.reboot();
      await bench.started();
      assert.equal(bench.device.version, "1.0.0");
    });
  }

  it("never confirms image 0 in place of another one whose hash is not shown", async () => {
    const bench = await onTrial({ image1Slot0: buildImage({ version: "5.0.0" }), activeOnEveryImage: false });
    bench.device.faults.add(
      only(image.readState, (exchange) => exchange.changeAnswer((frame) => [withoutHashes(frame)])),
    );
    const error = await rejectsWith("SMP_WRONG_IMAGE", () => bench.run((device) => confirmImage(device, { image: 1 })));
    assert.match(error.message, /cannot confirm image 1/);
    assert.equal(bench.requests("image.writeState").length, 1, "the mark alone");
  });

  it("does not believe an answer that shows nothing confirmed", async () => {
    const bench = await onTrial();
    bench.device.store.setState = () => undefined;
    const error = await rejectsWith("SMP_STATE_UNCHANGED", () => confirm(bench));
    assert.match(error.message, /does not show the running image as confirmed/);
  });

  it("passes a refusal on", async () => {
    const bench = await onTrial();
    bench.device.faults.add(only(image.writeState, refuseWith({ group: 1, rc: 32 })));
    const error = await rejectsWith("SMP_DEVICE", () => confirm(bench));
    assert.equal(error.details.rcName, "IMAGE_CONFIRMATION_DENIED");
    assert.equal(error.details.phase, "confirm");
  });

  it("knows a compressed image by the hash of what was installed", async () => {
    const bench = await onTrial();
    const state = await bench.run((device) =>
      confirmImage(device, { hash: hashOf(C).toString("hex"), installedHash: HASH_B }),
    );
    assert.equal(state[0]?.confirmed, true);
  });
});

/** A list in which nothing has a hash, or is confirmed. */
function withoutHashes(frame: Uint8Array): Uint8Array {
  const message = decodeMessage(frame);
  const images = (message.body["images"] as CborMap[]).map((slot) => ({ ...slot, hash: undefined, confirmed: false }));
  return encodeMessage({ ...message, body: { images } });
}
