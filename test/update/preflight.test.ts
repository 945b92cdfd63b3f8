import assert from "node:assert/strict";
import { loseRequest, nth, only } from "../../src/device/faults";
import type { SmpErrorCode } from "../../src/errors";
import { image, os } from "../../src/smp/commands";
import { BOOT_MODE } from "../../src/smp/groups/os";
import { decodeMessage, encodeMessage } from "../../src/smp/message";
import { whyNotNeeded, type Preflight } from "../../src/update/preflight";
import type { Firmware, ImageState } from "../../src/update/types";
import { buildImage, hashOf } from "../build-image";
import { A, B, C, useBench } from "./bench";
import { rejectsWith } from "./expect";
import { hashFor, state } from "./states";

const COMPRESSED = 0x400;
const NON_BOOTABLE = 0x10;
const DECOMPRESSED_HASH = 0x71;

function firmware(version: string, more: Partial<Firmware> = {}): Firmware {
  const label = `${version}.bin`;
  return { label, version, hash: hashFor(version), fileSha256: "", sizeBytes: 1_000, image: 0, ...more };
}

describe("preflight", () => {
  const wanted = firmware("2.0.0");
  const rows: {
    it: string;
    state: ImageState;
    wanted?: Firmware;
    is: SmpErrorCode | Preflight["outcome"];
    says?: RegExp;
  }[] = [
    { it: "uploads over nothing", state: state("0 1.0.0 active confirmed"), is: undefined },
    { it: "uploads over a leftover", state: state("0 1.0.0 active confirmed", "1 0.9.0"), is: undefined },
    { it: "uploads when the device lists nothing", state: [], is: undefined },
    { it: "knows the image that runs", state: state("0 2.0.0 active confirmed", "1 1.0.0"), is: "already-current" },
    {
      it: "knows the image that runs from slot 1",
      state: state("0 1.0.0", "1 2.0.0 active confirmed"),
      is: "already-current",
    },
    {
      it: "knows the image that runs when the other slot has it as well",
      state: state("0 2.0.0 active confirmed", "1 2.0.0"),
      is: "already-current",
    },
    {
      it: "knows the image in the other slot",
      state: state("0 1.0.0 active confirmed", "1 2.0.0"),
      is: "already-in-slot",
    },
    {
      it: "knows the image that is pending",
      state: state("0 1.0.0 active confirmed", "1 2.0.0 pending"),
      is: "already-in-slot",
    },
    {
      it: "knows a compressed image that is installed",
      state: state("0 2.0.1 active confirmed"),
      wanted: firmware("2.0.0", { installedHash: hashFor("2.0.1") }),
      is: "already-current",
    },
    {
      it: "refuses while another image is on trial",
      state: state("0 1.5.0 active", "1 1.0.0 confirmed"),
      is: "SMP_TRIAL_RUNNING",
      says: /1\.5\.0 on trial and keeps 1\.0\.0/,
    },
    {
      it: "refuses while the very image is on trial, and says to confirm it",
      state: state("0 2.0.0 active", "1 1.0.0 confirmed"),
      is: "SMP_TRIAL_RUNNING",
      says: /confirm it/i,
    },
    {
      it: "refuses while the image is what a trial falls back to, and says to reset",
      state: state("0 3.0.0 active", "1 2.0.0 confirmed"),
      is: "SMP_TRIAL_RUNNING",
      says: /Reset the device/,
    },
    {
      it: "refuses while another image is pending",
      state: state("0 1.0.0 active confirmed", "1 1.5.0 pending"),
      is: "SMP_IMAGE_PENDING",
      says: /slot 1: 1\.5\.0 .* pending/,
    },
    {
      it: "is not bothered by what another image number does",
      state: state("0 1.0.0 active confirmed", "1/0 7.0.0 active", "1/1 6.0.0 confirmed"),
      is: undefined,
    },
    {
      it: "does not take the same hash of another image number for its own",
      state: state("0 1.0.0 active confirmed", "1/0 2.0.0 active confirmed"),
      is: undefined,
    },
    {
      it: "does not take slots without a hash for anything",
      state: state("0 1.0.0 active confirmed hashless", "1 2.0.0 hashless"),
      is: undefined,
    },
  ];
  for (const row of rows) {
    it(row.it, async () => {
      const decide = async () => whyNotNeeded(row.state, { info: {}, firmware: row.wanted ?? wanted }, false);
      if (!row.is?.startsWith("SMP_")) return assert.equal(await decide(), row.is);
      const error = await rejectsWith(row.is as SmpErrorCode, decide);
      assert.match(`${error.message} ${error.hint}`, row.says!);
    });
  }

  const newBench = useBench();

  it("sends nothing when the image runs already", async () => {
    const bench = newBench({ slot0: B });
    const result = await bench.upload(B);
    assert.equal(result.outcome, "already-current");
    assert.equal(result.sentBytes, 0);
    assert.equal(bench.requests("image.upload").length, 0);
  });

  it("sends nothing when the image is in the other slot", async () => {
    const bench = newBench({ slot1: B });
    assert.equal((await bench.upload(B)).outcome, "already-in-slot");
    assert.equal(bench.requests("image.upload").length, 0);
  });

  it("sends nothing while a trial runs, or another image is pending", async () => {
    const bench = newBench({ slot1: B });
    await bench.run(async (device) => {
      const session = await device.session();

      await session.request(image.writeState, { hash: hashOf(B), confirm: false });
    });
    await rejectsWith("SMP_IMAGE_PENDING", () => bench.upload(C));
    bench.device.reboot();
    await bench.started();
    const error = await rejectsWith("SMP_TRIAL_RUNNING", () => bench.upload(C));
    assert.match(error.message, /1\.2\.3\+4 on trial and keeps 1\.0\.0/);
    assert.equal(error.details.phase, "checking");
    assert.equal(bench.requests("image.upload").length, 0);
  });

  it("says by how much the file is too large", async () => {
    const bench = newBench({ slotBytes: 64 * 1024, pageBytes: 4096 });
    const limit = bench.device.store.maxImageBytes;
    const file = buildImage({ version: "2.0.0", payloadBytes: 63_000 });
    const error = await rejectsWith("SMP_IMAGE_TOO_LARGE", () => bench.upload(file));
    assert.equal(error.details.limit, limit);
    assert.ok(
      error.message.includes(`${file.length} bytes`) && error.message.includes(`${limit} bytes`),
      error.message,
    );
    assert.ok(error.message.includes(`(${file.length - limit} too many)`));
    assert.equal(bench.requests("image.upload").length, 0);
  });

  it("goes by the slot's size where the device does not tell the largest image", async () => {
    const bench = newBench({ slotBytes: 64 * 1024, maxImageSize: false });
    const file = buildImage({ version: "2.0.0", payloadBytes: 66_000 });
    assert.equal((await rejectsWith("SMP_IMAGE_TOO_LARGE", () => bench.upload(file))).details.limit, 64 * 1024);
  });

  it("refuses an image number that the device does not have", async () => {
    const one = await rejectsWith("SMP_BAD_INPUT", () => newBench({ slotInfo: false }).upload(B, { image: 1 }));
    assert.match(one.message, /no image 1, it has image 0/);
    assert.equal(one.details.field, "image");
    const two = newBench({ imageCount: 2, image1Slot0: buildImage({ version: "1.9.0" }) });
    const error = await rejectsWith("SMP_BAD_INPUT", () => two.upload(B, { image: 2 }));
    assert.match(error.message, /no image 2, it has images 0, 1/);
  });

  it("refuses an older image also when it lies in the slot already, as it does after an update", async () => {
    const bench = newBench({ slot0: C, slot1: B });
    await rejectsWith("SMP_NOT_NEWER", () => bench.upload(B, { upgradeOnly: true }));
    const { outcome, checks } = await bench.upload(B);
    assert.equal(outcome, "already-in-slot");
    assert.ok(checks.some(({ check, level }) => check === "version" && level === "warn"));
    assert.equal(bench.requests("image.upload").length, 0);
  });

  it("refuses to overwrite the firmware of a device with one slot, unless that is allowed", async () => {
    const oneSlot = (): ReturnType<typeof newBench> => {
      const bench = newBench();
      const tell = (frame: Uint8Array): Uint8Array[] => {
        const message = decodeMessage(frame);
        return [encodeMessage({ ...message, body: { ...message.body, mode: BOOT_MODE.FIRMWARE_LOADER } })];
      };
      bench.device.faults.add(only(os.bootloaderInfo, (exchange) => exchange.changeAnswer(tell)));
      return bench;
    };
    const bench = oneSlot();
    const error = await rejectsWith("SMP_NO_TRIAL", () => bench.upload(B));
    assert.match(error.message, /one slot: an upload overwrites the firmware at once/);
    assert.equal(bench.requests("image.upload").length, 0);
    assert.equal((await oneSlot().upload(B, { allowRecovery: true })).outcome, "uploaded");
  });

  it("refuses a file that would be permanent at once", async () => {
    const error = await rejectsWith("SMP_BAD_IMAGE", () => newBench().upload(padded(B, "confirmed")));
    assert.match(error.message, /would be permanent at once/);
    assert.match(error.hint, /zephyr\.signed\.bin/);
  });

  it("uploads a file that is padded for test, and finds it pending", async () => {
    const bench = newBench({ maxImageSize: false });
    const result = await bench.upload(padded(B, "test"));
    assert.equal(result.images.find((slot) => slot.slot === 1)?.pending, true);
  });

  it("says that the padding is what does not fit", async () => {
    const error = await rejectsWith("SMP_IMAGE_TOO_LARGE", () => newBench().upload(padded(B, "test")));
    assert.match(error.hint, /without padding/);
  });

  it("does not take a padded file for complete before its end has arrived", async () => {
    const file = padded(B, "test");
    const undisturbed = newBench({ maxImageSize: false });
    await undisturbed.upload(file);
    const chunks = undisturbed.requests("image.upload").length;
    const bench = newBench({ maxImageSize: false });
    bench.device.faults.add(only(image.upload, nth(chunks, loseRequest)));
    await bench.upload(file);
    bench.assertSlot(1, file);
  });

  it("refuses an image that MCUboot would never install", async () => {
    const file = buildImage({ version: "2.0.0", flags: NON_BOOTABLE });
    assert.match((await rejectsWith("SMP_BAD_IMAGE", () => newBench().upload(file))).message, /not bootable/);
  });

  it("tells which hash a compressed image will have", async () => {
    const installed = hashOf(A);
    const file = buildImage({
      version: "2.0.0",
      flags: COMPRESSED,
      protectedTlvs: [{ type: DECOMPRESSED_HASH, data: installed }],
    });
    const result = await newBench({ slot0: C }).upload(file);
    assert.equal(result.firmware.installedHash, installed.toString("hex"));
    assert.notEqual(result.firmware.hash, result.firmware.installedHash);
  });
});

const SLOT_BYTES = 128 * 1024;
const MAGIC = Buffer.from("77c295f360d2ef7f3552500f2cb67980", "hex");

/** As `imgtool --pad` makes it, for write alignment 8. */
function padded(file: Buffer, kind: "test" | "confirmed"): Buffer {
  const slot = Buffer.alloc(SLOT_BYTES, 0xff);
  file.copy(slot);
  MAGIC.copy(slot, SLOT_BYTES - 16);
  if (kind === "confirmed") slot[SLOT_BYTES - 24] = 1;
  return slot;
}
