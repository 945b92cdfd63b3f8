/** MCUboot's recovery of builds that are not the usual ones: with flags in its list, or of direct-XIP that can revert. */
import assert from "node:assert/strict";
import { only, type Fault } from "../../src/device/faults";
import { PROFILES } from "../../src/device/profiles";
import { os } from "../../src/smp/commands";
import { buildImage, hashOf } from "../build-image";
import { inProcess, requestFrame, until } from "../device/bench";
import { CONFIRMED_TRAILER } from "../image/samples";
import { SMALL, SMALL_FILE, useBench } from "./bench";
import { rejectsWith } from "./expect";
import { confirm, flags, read, test } from "./lifecycle";
import { partsOf } from "./parts";

const HASH = hashOf(SMALL_FILE).toString("hex");
const ROM_FIXED = 0x100;

describe("MCUboot's serial recovery", () => {
  const newBench = useBench();
  const inRecovery = { profile: "mcuboot-recovery" } as const;
  const enterRecovery = requestFrame(os.reset, { boot_mode: 1 });

  describe("with flags in its list, as an application has them", () => {
    const recovery = { ...PROFILES["mcuboot-recovery"].recovery!, imageState: true };
    const flagged = { ...SMALL, ...inRecovery, recovery };

    it("is not taken for an application that runs", async () => {
      const bench = newBench({ ...flagged, slot0: SMALL_FILE });
      assert.deepEqual(flags(await read(bench)), ["0 1.1.0 confirmed"]);
      const error = await rejectsWith("SMP_WRONG_IMAGE", () => confirm(bench, HASH));
      assert.match(error.message, /may be in the bootloader's recovery/);
      const result = await bench.update({ parts: await partsOf(SMALL_FILE), policy: { allowRecovery: true } });
      assert.deepEqual([result.ok, result.verdict, bench.device.state], [true, "confirmed", "application"]);
      assert.equal(bench.requests("image.upload").length, 0);
    });

    it("is not taken for the update's end when a reset ends there again", async () => {
      const bench = newBench(flagged);
      const backAgain: Fault = (exchange) => {
        if (bench.device.state !== "application") return;
        exchange.lose();
        inProcess(bench.device).send(enterRecovery);
      };
      bench.device.faults.add(only(os.parameters, backAgain));
      const result = await bench.update({ parts: await partsOf(SMALL_FILE), policy: { allowRecovery: true } });
      assert.equal(bench.device.state, "recovery");
      assert.deepEqual([result.ok, result.verdict], [false, "failed"], result.because);
      assert.match(result.because, /lists no running image .*recovery/);
    });

    it("is asked for no mark, as it would be one for slot 1 whatever the hash", async () => {
      const bench = newBench({ ...flagged, slot1: buildImage({ version: "0.9.0", payloadBytes: 2_000 }) });
      await bench.upload(SMALL_FILE, { allowRecovery: true });
      assert.deepEqual(flags(await test(bench, HASH)), ["0 1.1.0 confirmed", "1 0.9.0"]);
      assert.equal(bench.requests("image.writeState").length, 0);
    });

    it("is not written to while another image waits for the next boot", async () => {
      const other = buildImage({ version: "0.9.0", payloadBytes: 2_000 });
      const bench = newBench({ ...SMALL, recovery, slot1: other });
      bench.device.store.setState(hashOf(other), false);
      inProcess(bench.device).send(enterRecovery);
      await bench.toEnd(until(() => bench.device.state === "recovery"));
      const { plan, error } = await bench.update({ parts: await partsOf(SMALL_FILE), policy: { allowRecovery: true } });
      assert.deepEqual([plan?.outcome, error?.code], ["refused", "SMP_IMAGE_PENDING"]);
      assert.deepEqual(flags(await read(bench)), ["0 1.0.0 confirmed", "1 0.9.0 pending"]);
    });
  });

  describe("of a bootloader for direct-XIP that can revert, which boots only what is marked", () => {
    const revertible = { ...SMALL, ...inRecovery, mode: "direct-xip-revert" } as const;
    const fixed = buildImage({ version: "1.1.0", flags: ROM_FIXED, loadAddress: 0x2_0000 });
    const policy = { allowRecovery: true };

    it("brings an image that is signed as confirmed", async () => {
      const bench = newBench(revertible);
      const blank = Buffer.alloc(32 * 1024 - fixed.length - CONFIRMED_TRAILER.length, 0xff);
      const padded = Buffer.concat([fixed, blank, CONFIRMED_TRAILER]);
      const result = await bench.update({ parts: await partsOf(padded), policy });
      assert.deepEqual([result.ok, result.verdict], [true, "confirmed"], result.because);
      assert.equal(bench.device.version, "1.1.0");
    });

    it("warns of one that is not, and says what to do when it did not boot", async () => {
      const { plan, error } = await newBench(revertible).update({ parts: await partsOf(fixed), policy });
      assert.match(plan!.checks.map(({ because }) => because).join("; "), /it has no trailer: .* --pad --confirm/);
      assert.match(error!.hint, /boots only an image that is signed with --pad --confirm/);
    });
  });
});
