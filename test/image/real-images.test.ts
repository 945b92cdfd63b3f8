import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { IMAGES, inspect } from "./samples";

interface Expected {
  version: string;
  sizeBytes: number;
  payloadBytes: number;
  algorithm?: string;
  hash: string;
  fileSha256: string;
  signature?: string;
  keyHash?: string;
}

const ED25519_KEY = "a669a066664d946372d25c0262673ec5ac76e3c38c2d18173e122f4e80dffc40";
const HASH_1_5_0 = "6f115348c49b3c56782567b2cf5766f8973b349f40e83bf536c9c814df22e0da";

// Read by imgtool 2.5 (`imgtool dumpinfo`, `imgtool verify`) and sha256sum.
const EXPECTED: Record<string, Expected> = {
  "ecdsa-p256-1.5.0.bin": {
    version: "1.5.0",
    sizeBytes: 20663,
    payloadBytes: 20000,
    hash: HASH_1_5_0,
    fileSha256: "c4e8d182433907bf7f7ea835b125874b5ea9e368dc8ec4311500126750eb141f",
    signature: "ECDSA",
    keyHash: "8db45788767126d60eadca1bc9d0bd7d98aebe591137f5ddda36779a6ff3c723",
  },
  "ecdsa-p384-sha384-1.5.0.bin": {
    version: "1.5.0",
    sizeBytes: 20727,
    payloadBytes: 20000,
    algorithm: "SHA-384",
    hash: "ade3d856ee8fc54f9567f8d3c4f41e80b237835ffc976d225c8c6facd7edc55e9758b4891f1a5e2862aebcf97042cd58",
    fileSha256: "f6db39bf61c33b9db445891a8e2ac6588eed627e4fd593976d2c2cd93170ff2a",
    signature: "ECDSA",
    keyHash: "5b18265695747f61c8aefa9fb87351f2da2448aea8bf5b713652f18a82c1fc721729bbd103aec44f2a68e22194899887",
  },
  "ed25519-1.5.0.bin": {
    version: "1.5.0",
    sizeBytes: 20656,
    payloadBytes: 20000,
    hash: HASH_1_5_0,
    fileSha256: "1726e143e93012a3a439be7f5b11616d0b9e248d10b5282694ffda520bbf42cb",
    signature: "Ed25519",
    keyHash: ED25519_KEY,
  },
  "ed25519-dependency-counter-3.1.4+159.bin": {
    version: "3.1.4+159",
    sizeBytes: 20684,
    payloadBytes: 20000,
    hash: "86cc7af2035c9ef6aa6877b0177461e7a9670cec07aecf744b3a6b1f4c29828a",
    fileSha256: "c0ef5b627cd1dac1dbcebbaa99993b2c9d0a6b2bf32bb10173504adc9100ecae",
    signature: "Ed25519",
    keyHash: ED25519_KEY,
  },
  "ed25519-encrypted-1.7.0.bin": {
    version: "1.7.0",
    sizeBytes: 20740,
    payloadBytes: 20000,
    hash: "dd05669a3520d8fcff183910896df43a66c6d849b2278a88ede5c41dac31f123",
    fileSha256: "580b1f3620f8916ccda3364b340330b4ca17965640e351f9c6e0e5573cd11939",
    signature: "Ed25519",
    keyHash: ED25519_KEY,
  },
  "ed25519-large-4.0.0.bin": {
    version: "4.0.0",
    sizeBytes: 400656,
    payloadBytes: 400000,
    hash: "6f731a74600bab53c9342bea9001dde6f3fbe78d3dee094b6ae7e415d53259a1",
    fileSha256: "ac12e1a8cb106e38d511c287c337b7b1570532a91325c25292a48ede27f7be5a",
    signature: "Ed25519",
    keyHash: ED25519_KEY,
  },
  "ed25519-sha512-1.6.0.bin": {
    version: "1.6.0",
    sizeBytes: 20720,
    payloadBytes: 20000,
    algorithm: "SHA-512",
    hash: "72e3630433dfd41f079155e8dfbff2796fed0607513b02dd68763837bda6c8c435da38af365f471452f129bb471bddd3ebe9d93e4be5d0e5619302810e505ea4",
    fileSha256: "230821a8bdab926fb813b49e0abdf7f4e2e2e21a086f64493771e0c3763aaa89",
    signature: "Ed25519",
    keyHash:
      "e326430da4bb3e2050ee3b5b6a91c62fd0952364e597bfb2ebab741d94ab8db674f3ce9b3440ef8e149eb392dc948a0b790276a88ea87e4244c452988ac176fa",
  },
  "hash-only-1.0.0.bin": {
    version: "1.0.0",
    sizeBytes: 61663,
    payloadBytes: 61111,
    hash: "5c8445b2f30e07cda081102b0747877da9bb3f36b0ac6066f8a9f2b1515e47e8",
    fileSha256: "c0c19e58c86998b0b07d5e2d7300c280b605856b418aefa2c5cb27982d501ce1",
  },
  "hash-only-1.2.3+4.bin": {
    version: "1.2.3+4",
    sizeBytes: 62774,
    payloadBytes: 62222,
    hash: "e2348b3d9d20810f7fe059187ae416a4d05415e5b9b8c208a7b5f25c449b0aac",
    fileSha256: "7c637f63d85dec7dcec903a102b121802f90375f252e0cd18701884d17304ce9",
  },
  "hash-only-2.0.0+77.bin": {
    version: "2.0.0+77",
    sizeBytes: 63885,
    payloadBytes: 63333,
    hash: "752af83baf4163c0d3c4d5f8f14ca355c7a4981f2ccc35712926b3477b6a96f3",
    fileSha256: "18e5aeb0ddbcc4954c1759274d388dae7b151eaa88535c2524b273c949e487fe",
  },
  "rsa-2048-1.5.0.bin": {
    version: "1.5.0",
    sizeBytes: 20848,
    payloadBytes: 20000,
    hash: HASH_1_5_0,
    fileSha256: "69d1fef17889e187194823536e5e125699ec80ea575c1c0b15136dcfe6acf9ea",
    signature: "RSA-2048",
    keyHash: "01f431624a3ed5d7d8838d3a39cb354f48556eb51b524961039bfc89c53f19b8",
  },
  "rsa-3072-1.5.0.bin": {
    version: "1.5.0",
    sizeBytes: 20976,
    payloadBytes: 20000,
    hash: HASH_1_5_0,
    fileSha256: "7f9a190ba3d9d1ea6e8dacf367e69fa16b95f3b1b65faf44cce3121116d8a00d",
    signature: "RSA-3072",
    keyHash: "8f6f5de2d785efd66775874a1f0b39c0ad4aeaaf2b1613b2c40a3a4cb7f0176a",
  },
};

describe("real images", () => {
  for (const file of readdirSync(IMAGES).filter((name) => name.endsWith(".bin"))) {
    it(`reads ${file} as imgtool does`, async () => {
      const expected = EXPECTED[file];
      assert.ok(expected, "every image has its expectation");
      const info = await inspect(join(IMAGES, file));
      assert.equal(info.versionText, expected.version);
      assert.equal(info.sizeBytes, expected.sizeBytes);
      assert.equal(info.imageBytes, expected.sizeBytes);
      assert.equal(info.headerBytes, 512);
      assert.equal(info.payloadBytes, expected.payloadBytes);
      assert.equal(info.hashAlgorithm, expected.algorithm ?? "SHA-256");
      assert.equal(info.hash, expected.hash);
      assert.equal(info.fileSha256, expected.fileSha256);
      assert.equal(info.signature, expected.signature);
      assert.equal(info.keyHash, expected.keyHash);
      assert.equal(info.encrypted, file.includes("encrypted"));
      assert.equal(info.hashCheck, file.includes("encrypted") ? "encrypted" : "verified");
      assert.equal(info.label, join(IMAGES, file));
      assert.equal(info.trailer, undefined);
    });
  }

  it("reads dependency and security counter from the protected TLVs", async () => {
    const info = await inspect(join(IMAGES, "ed25519-dependency-counter-3.1.4+159.bin"));
    assert.deepEqual(info.dependencies, [{ image: 1, minVersion: { major: 1, minor: 2, revision: 0, build: 0 } }]);
    assert.equal(info.securityCounter, 5);
    assert.equal(info.protectedTlvBytes, 28);
    assert.deepEqual(info.tlvs, [
      { type: 0x50, name: "security counter", lengthBytes: 4, protected: true },
      { type: 0x40, name: "dependency", lengthBytes: 12, protected: true },
      { type: 0x10, name: "SHA-256", lengthBytes: 32, protected: false },
      { type: 0x01, name: "key hash", lengthBytes: 32, protected: false },
      { type: 0x24, name: "Ed25519", lengthBytes: 64, protected: false },
    ]);
  });
});
