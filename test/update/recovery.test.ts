import assert from "node:assert/strict";
import { fromNth, nth, only, type Fault } from "../../src/device/faults";
import { PROFILES, type RecoveryProfile } from "../../src/device/profiles";
import { image, os } from "../../src/smp/commands";
import { OP } from "../../src/smp/header";
import { encodeMessage } from "../../src/smp/message";
import { confirmImage } from "../../src/update/confirm-image";
import { buildImage, hashOf } from "../build-image";
import { inProcess, requestFrame } from "../device/bench";
import { imageBytes } from "../images";
import { SMALL, SMALL_FILE, useBench, type LinkFault } from "./bench";
import { rejectsWith } from "./expect";
import { partsOf } from "./parts";
import { flags, read, reset, test } from "./lifecycle";

const B = imageBytes("hash-only-1.2.3+4.bin");

const ROM_FIXED = 0x100;

/** A bootloader that takes a small file in a dozen requests, and stores whole words of flash only. */
function withWords(alignBytes: number): RecoveryProfile {
  return { ...PROFILES["mcuboot-recovery"].recovery!, bufSize: 320, alignBytes };
}

/** Breaks the link once, before or after the n-th request of an upload, counted from 1. */
function cutAtChunk(n: number, cut: "cut" | "cut-after"): LinkFault {
  let chunks = 0;
  return ({ command }) => (command === "image.upload" && ++chunks === n ? cut : undefined);
}

describe("update in MCUboot's serial recovery", () => {
  const newBench = useBench();
  const inRecovery = { profile: "mcuboot-recovery" } as const;
  const enterRecovery = requestFrame(os.reset, { boot_mode: 1 });
  const HASH = hashOf(SMALL_FILE).toString("hex");

  it("is not begun unless it is allowed, as there is no way back", async () => {
    const bench = newBench(inRecovery);
    const error = await rejectsWith("SMP_IN_RECOVERY", () => bench.upload(B));
    assert.match(error.message, /slot 0: 1\.0\.0.*erase slot 0 at once/);
    assert.equal(bench.requests("image.upload").length, 0);
    assert.deepEqual(flags(await read(bench)), ["0 1.0.0"]);
  });

  it("goes through the same steps as any other, and ends confirmed", async () => {
    const bench = newBench(inRecovery);
    const { outcome, firmware, resumedFromBytes } = await bench.upload(B, { allowRecovery: true });
    assert.deepEqual([outcome, resumedFromBytes], ["uploaded", 0]);
    assert.deepEqual(flags(await test(bench)), ["0 1.2.3+4"], "nothing is to be marked");
    const result = await reset(bench, { wanted: firmware });
    assert.equal(result.verdict, "confirmed");
    const after = await bench.run((device) => confirmImage(device, { hash: firmware.hash }));
    assert.deepEqual(flags(after), ["0 1.2.3+4 active confirmed"]);
  });

  it("brings a device to life that has no valid image", async () => {
    const bench = newBench({ slot0: new Uint8Array(64), mode: "overwrite" });
    assert.equal(bench.device.state, "recovery");
    const { firmware } = await bench.upload(B, { allowRecovery: true });
    assert.equal((await reset(bench, { wanted: firmware })).verdict, "confirmed");
  });

  it("takes the next boot for the proof where a bootloader without an image lists none", async () => {
    const recovery = { ...PROFILES["mcuboot-recovery"].recovery!, listsFirstImage: false };
    const bench = newBench({ recovery, slot0: new Uint8Array(64), mode: "overwrite" });
    const { outcome, images, firmware } = await bench.upload(B, { allowRecovery: true });
    assert.deepEqual([outcome, images], ["uploaded", []]);
    assert.deepEqual(await test(bench, firmware.hash), []);
    assert.equal((await reset(bench, { wanted: firmware })).verdict, "confirmed");
  });

  for (const cut of ["cut", "cut-after"] as const) {
    for (const alignBytes of [8, 32]) {
      it(`goes on when the link breaks (${cut}) at any chunk but the first, without a second erasure, with flash words of ${alignBytes} bytes`, async () => {
        const device = { ...SMALL, ...inRecovery, recovery: withWords(alignBytes) };
        const undisturbed = newBench(device);
        await undisturbed.upload(SMALL_FILE, { allowRecovery: true });
        const chunks = undisturbed.requests("image.upload").length;
        assert.ok(chunks > 5);
        for (let position = 2; position <= chunks; position++) {
          const bench = newBench(device);
          bench.linkFault = cutAtChunk(position, cut);
          const { outcome, sentBytes } = await bench.upload(SMALL_FILE, { allowRecovery: true });
          assert.equal(outcome, "uploaded");
          bench.assertSlot(0, SMALL_FILE);
          assert.equal(bench.firstChunks, 1, `chunk ${position}`);
          assert.ok(
            sentBytes < SMALL_FILE.length + 2 * 320 + alignBytes * chunks,
            `chunk ${position}: ${sentBytes} bytes`,
          );
        }
      });
    }
  }

  it("goes on over a new link that carries less than the one that broke", async () => {
    const options = { ...SMALL, ...inRecovery, recovery: withWords(32), linkBytes: 320 };
    const bench = newBench(options);
    const cut = cutAtChunk(3, "cut-after");
    bench.linkFault = (sent, count) => {
      const fault = cut(sent, count);
      if (fault) options.linkBytes = 128;
      return fault;
    };
    await bench.upload(SMALL_FILE, { allowRecovery: true });
    bench.assertSlot(0, SMALL_FILE);
    assert.equal(bench.firstChunks, 1);
  });

  it("starts afresh when a line without checksums has made it take other bytes", async () => {
    const bench = newBench({ ...SMALL, ...inRecovery, recovery: withWords(8) });
    const damaged: Fault = (exchange) => {
      const body = { off: exchange.body["off"]!, data: Buffer.alloc(8, 0x5a) };
      exchange.inject(encodeMessage({ ...image.upload, op: OP.WRITE, version: 1, seq: 0, body }));
    };
    bench.device.faults.add(only(image.upload, nth(4, damaged)));
    const { outcome, startedOver } = await bench.upload(SMALL_FILE, { allowRecovery: true });
    assert.deepEqual([outcome, startedOver, bench.firstChunks], ["uploaded", 1, 2]);
    bench.assertSlot(0, SMALL_FILE);
  });

  it("survives a link that breaks more often than a device may forget an upload", async () => {
    const bench = newBench({ ...SMALL, ...inRecovery, recovery: withWords(8) });
    bench.linkFault = ({ body }) => (Number(body["off"]) > 0 ? "cut-after" : undefined);
    await bench.upload(SMALL_FILE, { allowRecovery: true });
    bench.assertSlot(0, SMALL_FILE);
    assert.equal(bench.firstChunks, 1);
  });

  it("starts afresh when the bootloader was restarted while the link was gone", async () => {
    for (let position = 2; position <= 7; position++) {
      const bench = newBench({ ...SMALL, ...inRecovery, recovery: withWords(8) });
      const cut = cutAtChunk(position, "cut");
      bench.linkFault = (sent, count) => {
        const fault = cut(sent, count);
        if (fault) bench.device.reboot();
        return fault;
      };
      const { outcome, retries } = await bench.upload(SMALL_FILE, { allowRecovery: true });
      assert.equal(outcome, "uploaded");
      bench.assertSlot(0, SMALL_FILE);
      assert.equal(bench.firstChunks, 2, `chunk ${position}`);
      assert.ok(retries > 0);
    }
  });

  for (const hideLoss of [false, true]) {
    for (const [where, position] of [
      ["in mid-upload", 4],
      ["before it has answered the first chunk", 1],
    ] as const) {
      it(`is not walked into when the device comes up in it ${where}, over a link that ${hideLoss ? "does not notice" : "breaks"}`, async () => {
        const bench = newBench(SMALL);
        bench.hideLoss = hideLoss;
        const chunkIsLost: Fault = (exchange) => bench.device.state === "application" && exchange.lose();
        const byAnother: Fault = () => inProcess(bench.device).send(enterRecovery);
        bench.device.faults.add(only(image.upload, fromNth(position, chunkIsLost)));
        bench.device.faults.add(only(image.upload, nth(position, byAnother)));
        const error = await rejectsWith("SMP_IN_RECOVERY", () => bench.upload(SMALL_FILE));
        assert.match(error.message, /would erase slot 0/);
        assert.equal(bench.device.state, "recovery");
        bench.assertSlot(0, SMALL.slot0!);
      });
    }
  }

  it("is told of when the device comes up in it once all is there, and before that was seen", async () => {
    const bench = newBench(SMALL);
    bench.hideLoss = true;
    const isThere = (): boolean => bench.device.store.list().length === 2;
    const intoRecovery: Fault = (exchange) => {
      if (bench.device.state !== "application" || !isThere()) return;
      exchange.lose();
      inProcess(bench.device).send(enterRecovery);
    };
    bench.device.faults.add(only(image.readState, intoRecovery));
    const error = await rejectsWith("SMP_IN_RECOVERY", () => bench.upload(SMALL_FILE));
    assert.match(error.message, /slot 1: 1\.1\.0/);
  });

  it("does not promise a version check that nobody makes", async () => {
    const bench = newBench(inRecovery);
    const error = await rejectsWith("SMP_BAD_INPUT", () => bench.upload(B, { allowRecovery: true, upgradeOnly: true }));
    assert.equal(error.details.field, "upgradeOnly");
  });

  for (const slot0 of [new Uint8Array(64), SMALL.slot0!]) {
    describe(`with ${slot0.length === 64 ? "no image" : "another one"} to boot, and the wanted one unmarked in slot 1`, () => {
      const stranded = { ...SMALL, ...inRecovery, recovery: withWords(8), slot0, slot1: SMALL_FILE };

      it("is left as it is unless an upload is allowed", async () => {
        const bench = newBench(stranded);
        await rejectsWith("SMP_IN_RECOVERY", () => bench.upload(SMALL_FILE));
        assert.equal(bench.requests("image.upload").length, 0);
      });

      it("gets the image into slot 0, and ends confirmed", async () => {
        const bench = newBench(stranded);
        const { verdict } = await bench.update({ parts: await partsOf(SMALL_FILE), policy: { allowRecovery: true } });
        assert.equal(verdict, "confirmed");
        bench.assertSlot(0, SMALL_FILE);
        assert.deepEqual(flags(await read(bench)), ["0 1.1.0 active confirmed", "1 1.1.0"]);
      });

      it("is not taken for complete when the link breaks before the end", async () => {
        const undisturbed = newBench(stranded);
        await undisturbed.upload(SMALL_FILE, { allowRecovery: true });
        const last = undisturbed.requests("image.upload").length;
        const bench = newBench(stranded);
        bench.linkFault = cutAtChunk(last, "cut");
        await bench.upload(SMALL_FILE, { allowRecovery: true });
        bench.assertSlot(0, SMALL_FILE);
      });

      it("is not written to when the image is built to run from slot 1", async () => {
        const fixed = buildImage({ version: "1.1.0", flags: ROM_FIXED, loadAddress: 0x2_0000 });
        const bench = newBench({ ...stranded, slot1: fixed });
        assert.equal((await bench.upload(fixed, { allowRecovery: true })).outcome, "already-in-slot");
      });
    });
  }

  for (const isPermanent of [false, true]) {
    it(`ends confirmed when the image was marked ${isPermanent ? "to stay" : "for a trial"} before, which recovery does not show`, async () => {
      const bench = newBench({ ...SMALL, ...inRecovery, recovery: withWords(8), setState: true, slot1: SMALL_FILE });
      bench.device.store.setState(hashOf(SMALL_FILE), isPermanent);
      const result = await bench.update({ parts: await partsOf(SMALL_FILE), policy: { allowRecovery: true } });
      assert.deepEqual([result.ok, result.verdict], [true, "confirmed"]);
      assert.deepEqual(flags(await read(bench)), ["0 1.1.0 active confirmed", "1 1.1.0"]);
    });
  }

  it("sends nothing when the image is there already", async () => {
    const bench = newBench({ ...inRecovery, slot0: B });
    assert.equal((await bench.upload(B)).outcome, "already-in-slot");
  });

  it("reaches the image of the other core by its number", async () => {
    const network = buildImage({ version: "5.0.0", payloadBytes: 3_000 });
    const bench = newBench({ ...inRecovery, imageCount: 2, image1Slot0: buildImage({ version: "4.0.0" }) });
    const { firmware } = await bench.upload(network, { image: 1, allowRecovery: true });
    assert.equal(firmware.image, 1);
    assert.deepEqual(Buffer.from(bench.device.store.slot(1, 0).read(0, network.length)), network);
    await bench.upload(SMALL_FILE, { image: 0, allowRecovery: true });
    assert.deepEqual(
      (await read(bench)).map((slot) => [slot.image, slot.version]),
      [
        [0, "1.1.0"],
        [1, "5.0.0"],
      ],
    );
  });

  it("fails when the bootloader does not accept what arrived", async () => {
    const bench = newBench({ ...inRecovery, acceptsImage: ({ hash }) => !hashOf(B).equals(hash) });
    const error = await rejectsWith("SMP_UPLOAD_FAILED", () => bench.upload(B, { allowRecovery: true }));
    assert.match(error.message, /lists no image/);
  });

  it("is not mistaken for an application that leaves flags out, which is asked", async () => {
    const bench = newBench({ frugalList: true });
    assert.equal((await bench.upload(B)).outcome, "uploaded");
    bench.assertSlot(1, B);
    const usual = newBench();
    await usual.upload(B);
    assert.equal(usual.requests("os.consoleEcho").length, 0);
  });

  it("is entered by a reset with boot mode 1, and left by the next", async () => {
    const bench = newBench({ slot0: SMALL_FILE });
    const { because, verdict } = await reset(bench, { toRecovery: true });
    assert.equal(because, "MCUboot's serial recovery answers");
    assert.equal(verdict, undefined);
    const back = await reset(bench, { wanted: { hash: HASH, image: 0 } });
    assert.equal(back.verdict, "confirmed");
  });

  it("is not claimed on a device that does not know boot modes", async () => {
    const bench = newBench({ bootMode: false });
    const error = await rejectsWith("SMP_STATE_UNCHANGED", () => reset(bench, { toRecovery: true }));
    assert.match(error.message, /its application answers \(1\.0\.0\)/);
  });

  it("leaves a reset to fail when the device stays in recovery with the image that was to run", async () => {
    const bench = newBench({ ...inRecovery, slot0: SMALL_FILE });
    bench.device.faults.addBoot(() => bench.device.store.slot(0, 0).erase(0, 4096));
    const error = await rejectsWith("SMP_WRONG_IMAGE", () => reset(bench, { wanted: { hash: HASH, image: 0 } }));
    assert.match(error.message, /recovery/);
  });
});
