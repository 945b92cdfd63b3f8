import assert from "node:assert/strict";
import { BOOT_MODE } from "../../src/smp/groups/os";
import { readDeviceFacts } from "../../src/update/device-facts";
import { buildImage } from "../build-image";
import { keyOf } from "../image/keys";
import { imageBytes } from "../images";
import { B, C, useBench } from "./bench";
import { findings, NEEDS, sha } from "./check-rows";
import { rejectsWith } from "./expect";

describe("checkFirmware", () => {
  it("puts what it refuses first, the file before the device", async () => {
    const all = await findings({
      build: { version: "0.9.0", payloadBytes: 65_000 },
      policy: { upgradeOnly: true, fileSha256: "00" },
    });
    const refused = all.filter(({ level }) => level === "refuse").map(({ check }) => check);
    assert.deepEqual(refused, ["file-sha256", "slot-size", "version"]);
    assert.deepEqual(
      all.slice(0, 3).map(({ level }) => level),
      ["refuse", "refuse", "refuse"],
    );
  });
});

describe("an upload with demands", () => {
  const newBench = useBench();

  it("of a signature sends nothing that is not signed by one of the keys, and asks the device nothing", async () => {
    const bench = newBench();
    const keys = [keyOf("signed/ed25519"), keyOf("rsa-2048")];
    for (const file of ["hash-only-1.2.3+4.bin", "ed25519-1.5.0.bin"]) {
      const error = await rejectsWith("SMP_BAD_SIGNATURE", () => bench.upload(imageBytes(file), { keys }));
      assert.match(error.hint, /Sign the image with a key whose public half/);
    }
    assert.deepEqual(
      bench.sent.filter(({ command }) => command.startsWith("image.")),
      [],
    );
  });

  it("of a signature sends what is signed by one of the keys, and says so", async () => {
    const keys = [keyOf("rsa-2048"), keyOf("ed25519")];
    const { outcome, checks } = await newBench().upload(imageBytes("ed25519-1.5.0.bin"), { keys });
    assert.equal(outcome, "uploaded");
    assert.match(checks.find(({ check }) => check === "signature")!.because, /signed by ed25519\.pub\.pem/);
  });

  it("of a file's SHA-256 sends no other file, even if it is on the device already", async () => {
    const bench = newBench({ slot1: B });
    await rejectsWith("SMP_WRONG_FILE", () => bench.upload(B, { fileSha256: sha(C) }));
    assert.equal((await bench.upload(B, { fileSha256: sha(B) })).outcome, "already-in-slot");
  });

  it("of newer firmware, or of what it depends on, sends nothing else", async () => {
    const bench = newBench({ slot0: B, imageCount: 2, image1Slot0: buildImage({ version: "1.1.0" }) });
    const older = buildImage({ version: "1.2.2" });
    const error = await rejectsWith("SMP_NOT_NEWER", () => bench.upload(older, { upgradeOnly: true }));
    assert.equal(error.details.verdict, "refused-downgrade");
    const needy = buildImage({ version: "3.0.0", ...NEEDS });
    const missing = await rejectsWith("SMP_DEPENDENCY", () => bench.upload(needy));
    assert.match(missing.hint, /Upload image 1 in that version first/);
    assert.equal(bench.requests("image.upload").length, 0);
    await bench.upload(buildImage({ version: "1.2.0" }), { image: 1 });
    assert.equal((await bench.upload(needy)).outcome, "uploaded");
  });

  it("sends nothing that the bootloader says it would erase", async () => {
    const bench = newBench({ slot0: C, downgradePrevention: "version" });
    await rejectsWith("SMP_NOT_NEWER", () => bench.upload(B));
    assert.equal(bench.requests("image.upload").length, 0);
  });
});

describe("what a device tells about itself", () => {
  const newBench = useBench();

  it("is its images, slots and bootloader", async () => {
    const bench = newBench({ mode: "overwrite", downgradePrevention: "version" });
    const facts = await bench.run(async (device) => readDeviceFacts(await device.session()));
    assert.deepEqual([facts.bootMode, facts.noDowngrade], [BOOT_MODE.OVERWRITE_ONLY, true]);
    assert.equal(facts.slots?.[0]?.slots[0]?.size, 128 * 1024);
    assert.equal(facts.images[0]?.version, "1.0.0");
  });

  it("may be nothing but its images", async () => {
    const bench = newBench({ slotInfo: false, bootloaderInfo: false });
    const facts = await bench.run(async (device) => readDeviceFacts(await device.session()));
    assert.deepEqual([facts.bootMode, facts.noDowngrade, facts.slots], [undefined, false, undefined]);
    const { checks } = await bench.upload(B);
    const unknown = checks.filter(({ level }) => level === "unknown").map(({ check }) => check);
    assert.deepEqual(unknown, ["slot-size", "boot-mode"]);
  });
});
