import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { NorFlash } from "../../src/device/flash";
import {
  compareVersions,
  formatVersion,
  type HashBytes,
  isIntact,
  parseVersion,
  readSlotImage,
} from "../../src/device/slot-image";
import { buildImage, hashOf } from "../build-image";

function flashWith(file: Uint8Array, startBytes = 0): NorFlash {
  const flash = new NorFlash(128 * 1024, 4096);
  flash.write(startBytes, file);
  return flash;
}

function read(file: Uint8Array, hashBytes: HashBytes = 32): ReturnType<typeof readSlotImage> {
  return readSlotImage(flashWith(file), 0, hashBytes);
}

function realImage(name: string): Buffer {
  return readFileSync(join(__dirname, "..", "images", name));
}

describe("an image in a slot", () => {
  it("is read and verified as a real server and a real MCUboot did", () => {
    const flash = flashWith(realImage("hash-only-1.2.3+4.bin"));
    const image = readSlotImage(flash, 0, 32)!;
    assert.equal(formatVersion(image.version), "1.2.3.4");
    assert.equal(
      Buffer.from(image.hash).toString("hex"),
      "e2348b3d9d20810f7fe059187ae416a4d05415e5b9b8c208a7b5f25c449b0aac",
    );
    assert.equal(image.sizeBytes, 62_774);
    assert.equal(isIntact(flash, image), true);
  });

  for (const [name, hashBytes] of [
    ["ed25519-dependency-counter-3.1.4+159.bin", 32],
    ["ecdsa-p384-sha384-1.5.0.bin", 48],
    ["ed25519-sha512-1.6.0.bin", 64],
    ["rsa-2048-1.5.0.bin", 32],
  ] as const) {
    it(`is intact: ${name}`, () => {
      const flash = flashWith(realImage(name));
      const image = readSlotImage(flash, 0, hashBytes);
      assert.equal(image && isIntact(flash, image), true);
    });
  }

  it("is not intact when a payload bit or a protected TLV changed, though it can still be read", () => {
    const file = buildImage({ version: "1.0.0", securityCounter: 5 });
    const payloadBit = buildImage({ version: "1.0.0", corrupt: true });
    const counter = Buffer.from(file);
    counter[counter.length - 41]! ^= 1;
    for (const damaged of [payloadBit, counter]) {
      const flash = flashWith(damaged);
      const image = readSlotImage(flash, 0, 32);
      assert.equal(image && isIntact(flash, image), false);
    }
  });

  it("is not accepted encrypted or compressed by a bootloader that can neither", () => {
    for (const flags of [0x4, 0x8, 0x200, 0x400]) {
      const flash = flashWith(buildImage({ version: "1.0.0", flags }));
      assert.equal(isIntact(flash, readSlotImage(flash, 0, 32)!), false, `flags ${flags}`);
    }
  });

  it("is known as not bootable by its flag", () => {
    assert.equal(read(buildImage({ version: "1.0.0", flags: 0x10 }))?.bootable, false);
    assert.equal(read(buildImage({ version: "1.0.0" }))?.bootable, true);
  });

  it("is invisible until header, TLVs and hash are there", () => {
    const file = buildImage({ version: "1.0.0", payloadBytes: 100 });
    for (const length of [0, 4, 31, 100, file.length - 37]) assert.equal(read(file.subarray(0, length)), undefined);
    assert.notEqual(read(file), undefined);
  });

  it("is invisible with a hash that the build does not know, or with two", () => {
    const file = buildImage({ version: "1.0.0", hash: 64 });
    assert.equal(read(file, 32), undefined);
    assert.deepEqual(Buffer.from(read(file, 64)!.hash), hashOf(file));
    const twice = buildImage({ version: "1.0.0", extraTlvs: [{ type: 0x10, data: Buffer.alloc(32) }] });
    assert.equal(read(twice), undefined);
  });

  it("is invisible when its sizes lie", () => {
    const file = buildImage({ version: "1.0.0", securityCounter: 1 });
    const wrongProtected = Buffer.from(file).fill(0, 10, 12);
    const hugePayload = Buffer.from(file).fill(0xff, 12, 16);
    const hugeTlvs = buildImage({ version: "1.0.0" });
    hugeTlvs.writeUInt16LE(0xffff, hugeTlvs.length - 38);
    const hugeEntry = buildImage({ version: "1.0.0" });
    hugeEntry.writeUInt16LE(33, hugeEntry.length - 34);
    for (const liar of [wrongProtected, hugePayload, hugeTlvs, hugeEntry]) assert.equal(read(liar), undefined);
  });

  it("is found where it begins", () => {
    const flash = flashWith(buildImage({ version: "1.0.0" }), 4096);
    assert.equal(readSlotImage(flash, 0, 32), undefined);
    const image = readSlotImage(flash, 4096, 32);
    assert.equal(image && isIntact(flash, image), true);
  });
});

describe("an image version", () => {
  const version = (major: number, minor: number, revision: number, build: number): ReturnType<typeof parseVersion> => ({
    major,
    minor,
    revision,
    build,
  });

  it("shows the build number only when there is one", () => {
    assert.equal(formatVersion(version(1, 2, 3, 0)), "1.2.3");
    assert.equal(formatVersion(version(1, 2, 3, 4)), "1.2.3.4");
  });

  it("is compared as numbers, without the build", () => {
    assert.ok(compareVersions(version(1, 10, 0, 0), version(1, 9, 9, 0)) > 0);
    assert.ok(compareVersions(version(0, 255, 65_535, 9), version(1, 0, 0, 0)) < 0);
    assert.equal(compareVersions(version(1, 2, 3, 4), version(1, 2, 3, 5)), 0);
  });
});
