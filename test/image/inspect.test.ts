import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { BLOCK_BYTES } from "../../src/image/block-cache";
import { inspectFirmware } from "../../src/image/inspect";
import { openFirmware, type FirmwareSource } from "../../src/image/source";
import { buildImage } from "../build-image";
import { assertFails } from "./bad";
import { CONFIRMED_TRAILER, fromHex, IMAGES, inspect, SAMPLE_A, SAMPLE_B } from "./samples";

describe("inspect firmware", () => {
  it("reads the worked sample of 136 bytes", async () => {
    const info = await inspect(SAMPLE_A);
    assert.equal(info.versionText, "1.2.3+4");
    assert.deepEqual(info.version, { major: 1, minor: 2, revision: 3, build: 4 });
    assert.equal(info.hash, "fe96bbe6d74ed7c809aa78e2a605d5c4cca33969885bfcc9ac10d7c52df5e00d");
    assert.equal(info.fileSha256, "c3b337c8467e526d670d0b170bcbb4d196ad5ada54dd8628e4ef9347508368a8");
    assert.equal(info.label, "a Buffer of 136 bytes");
    assert.equal(info.signature, undefined);
  });

  it("hashes the protected TLVs of the worked sample of 100 bytes", async () => {
    const info = await inspect(SAMPLE_B);
    assert.equal(info.hash, "5460962318c0c16724bbbf122cfc266db9dcb244db3401d579adf2316ff3bbf4");
    assert.equal(info.securityCounter, 7);
    assert.equal(info.protectedTlvBytes, 12);
  });

  it("reads a large file once, in pieces", async () => {
    const file = await openFirmware(join(IMAGES, "ed25519-large-4.0.0.bin"));
    const lengths: number[] = [];
    const source: FirmwareSource = {
      label: file.label,
      sizeBytes: file.sizeBytes,
      read: (off, length) => {
        lengths.push(length);
        return file.read(off, length);
      },
      close: () => file.close(),
    };
    await inspectFirmware(source);
    await source.close();
    assert.ok(Math.max(...lengths) <= 65536, `${Math.max(...lengths)} bytes at once`);
    const readBytes = lengths.reduce((sum, length) => sum + length, 0);
    assert.ok(readBytes < file.sizeBytes + 2048, `${readBytes} bytes read of ${file.sizeBytes}`);
  });

  it("stops between two pieces when it is aborted", async () => {
    const stop = new AbortController();
    const file = await openFirmware(join(IMAGES, "ed25519-large-4.0.0.bin"));
    let lastOff = 0;
    const source: FirmwareSource = {
      label: file.label,
      sizeBytes: file.sizeBytes,
      read: (off, length) => {
        if (length === BLOCK_BYTES && off > 0) stop.abort();
        lastOff = off;
        return file.read(off, length);
      },
      close: () => file.close(),
    };
    await assertFails(inspectFirmware(source, { signal: stop.signal }), "SMP_ABORTED", /abort/);
    await source.close();
    assert.equal(lastOff, BLOCK_BYTES);
  });

  it("ignores what a signature would not cover: a counter or dependency among the unprotected TLVs", async () => {
    const counter = { type: 0x50, data: fromHex("09000000") };
    const dependency = { type: 0x40, data: Buffer.alloc(12) };
    const info = await inspect(buildImage({ version: "1.0.0", extraTlvs: [counter, dependency] }));
    assert.equal(info.securityCounter, undefined);
    assert.deepEqual(info.dependencies, []);
  });

  it("names vendor and unknown TLVs", async () => {
    const extraTlvs = [0x01a0, 0x12ff, 0x0090].map((type) => ({ type, data: Buffer.alloc(3) }));
    const info = await inspect(buildImage({ version: "1.0.0", extraTlvs }));
    const names = info.tlvs.slice(1).map(({ name }) => name);
    assert.deepEqual(names, ["vendor 0x01a0", "vendor 0x12ff", "unknown 0x0090"]);
  });

  it("gives the hash that a compressed image has once it is unpacked", async () => {
    const unpacked = createHash("sha256").update("unpacked").digest();
    const info = await inspect(
      buildImage({ version: "1.0.0", flags: 0x400, protectedTlvs: [{ type: 0x71, data: unpacked }] }),
    );
    assert.equal(info.compressed, true);
    assert.equal(info.installedHash, unpacked.toString("hex"));
    assert.notEqual(info.hash, info.installedHash);
    assert.equal((await inspect(SAMPLE_A)).installedHash, undefined);
  });

  it("tells images that are not bootable, or built for one address", async () => {
    const bootable = await inspect(SAMPLE_A);
    assert.deepEqual([bootable.nonBootable, bootable.romFixed, bootable.loadAddress], [false, false, undefined]);
    assert.equal((await inspect(buildImage({ version: "1.0.0", flags: 0x10 }))).nonBootable, true);
    const fixed = await inspect(buildImage({ version: "1.0.0", flags: 0x100, loadAddress: 0x80_0000 }));
    assert.deepEqual([fixed.romFixed, fixed.loadAddress], [true, 0x80_0000]);
    const inRam = await inspect(buildImage({ version: "1.0.0", flags: 0x20, loadAddress: 0x2000_0000 }));
    assert.deepEqual([inRam.romFixed, inRam.loadAddress], [false, 0x2000_0000]);
  });

  it("trusts the hash of an image only when it is really encrypted", async () => {
    const key = { type: 0x33, data: Buffer.alloc(80) };
    const encrypted = buildImage({ version: "1.0.0", flags: 0x8, corrupt: true, extraTlvs: [key] });
    assert.equal((await inspect(encrypted)).hashCheck, "encrypted");
    const flippedBit = buildImage({ version: "1.0.0", flags: 0x8, corrupt: true });
    await assertFails(inspect(flippedBit), "SMP_BAD_IMAGE", /damaged/);
  });

  it("verifies an image that is ready for encryption but plain (imgtool --clear)", async () => {
    const key = { type: 0x33, data: Buffer.alloc(80) };
    const clear = await inspect(buildImage({ version: "1.0.0", flags: 0x4, extraTlvs: [key] }));
    assert.equal(clear.hashCheck, "verified");
  });
});

describe("trailer of a padded image", () => {
  const image = SAMPLE_A;
  const padded = (trailer: Buffer, sizeBytes = 1024): Buffer =>
    Buffer.concat([image, Buffer.alloc(sizeBytes - image.length - trailer.length, 0xff), trailer]);

  it("is found in a confirmed image, and the danger is named", async () => {
    const info = await inspect(padded(CONFIRMED_TRAILER));
    assert.equal(info.trailer?.kind, "confirmed");
    assert.match(info.trailer.explanation, /no way back/);
    assert.equal(info.sizeBytes, 1024);
    assert.equal(info.imageBytes, image.length);
    assert.equal(info.hash, (await inspect(image)).hash);
  });

  it("is found in an image that is padded only, which uploads as pending", async () => {
    const unset = Buffer.from(CONFIRMED_TRAILER);
    unset[16] = 0xff;
    const info = await inspect(padded(unset));
    assert.equal(info.trailer?.kind, "test");
    assert.match(info.trailer.explanation, /pending/);
  });

  for (const alignment of [16, 32]) {
    // Magic −16, behind it to the front the flag image_ok, one alignment unit before that of the magic.
    const imageOkFromEnd = alignment * 2;
    const magic = Buffer.concat([Buffer.from([alignment, 0]), fromHex("2DE15D29410B8D77679C110F1F8A")]);
    const trailer = Buffer.concat([Buffer.alloc(imageOkFromEnd - 16, 0xff), magic]);

    it(`is found for a write alignment of ${alignment}`, async () => {
      assert.equal((await inspect(padded(trailer))).trailer?.kind, "test");
      const confirmed = Buffer.from(trailer);
      confirmed[0] = 0x01;
      assert.equal((await inspect(padded(confirmed))).trailer?.kind, "confirmed");
    });
  }

  it("is not seen in other bytes behind the image", async () => {
    assert.equal((await inspect(padded(Buffer.alloc(40, 0xff)))).trailer, undefined);
    assert.equal((await inspect(padded(Buffer.from("fill")))).trailer, undefined);
    assert.equal((await inspect(Buffer.concat([image, Buffer.from("\n")]))).trailer, undefined);
  });

  it("does not take the image's own bytes for its flags", async () => {
    const extraTlvs = [{ type: 0x24, data: Buffer.alloc(64, 0x01) }];
    const tight = Buffer.concat([buildImage({ version: "1.0.0", extraTlvs }), CONFIRMED_TRAILER.subarray(24)]);
    assert.equal((await inspect(tight)).trailer?.kind, "test");
  });
});
