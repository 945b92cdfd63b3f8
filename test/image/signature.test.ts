import assert from "node:assert/strict";
import { createHash, createSign, generateKeyPairSync, constants, type KeyObject } from "node:crypto";
import { verifyHash } from "../../src/image/sealed-signature";
import type { SignatureCheck } from "../../src/image/signature";
import { buildImage } from "../build-image";
import { check, imageFile, keyOf } from "./keys";

const VERIFIED: readonly [file: string, key: string, kind: string][] = [
  ["ed25519-1.5.0.bin", "ed25519", "Ed25519"],
  ["ed25519-sha512-1.6.0.bin", "ed25519", "Ed25519"],
  ["ed25519-dependency-counter-3.1.4+159.bin", "ed25519", "Ed25519"],
  ["ed25519-encrypted-1.7.0.bin", "ed25519", "Ed25519"],
  ["ecdsa-p256-1.5.0.bin", "ecdsa-p256", "ECDSA P-256"],
  ["ecdsa-p384-sha384-1.5.0.bin", "ecdsa-p384", "ECDSA P-384"],
  ["rsa-2048-1.5.0.bin", "rsa-2048", "RSA-2048"],
  ["rsa-3072-1.5.0.bin", "rsa-3072", "RSA-3072"],
  ["signed/pure.bin", "signed/ed25519", "Ed25519"],
  ["signed/fullkey.bin", "signed/ed25519", "Ed25519"],
  ["signed/clear.bin", "signed/ed25519", "Ed25519"],
  ["signed/padsig.bin", "signed/ecdsa-p256", "ECDSA P-256"],
  ["signed/enc-p256.bin", "signed/ecdsa-p256", "ECDSA P-256"],
  ["signed/enc-rsa.bin", "signed/rsa-2048", "RSA-2048"],
];

const RESULT = (found: SignatureCheck): string => found.result;

describe("the signature", () => {
  for (const [file, key, kind] of VERIFIED) {
    it(`of ${file} is verified by its key, among others`, async () => {
      const others = ["ed25519", "rsa-2048", "ecdsa-p384"].filter((name) => name !== key).map(keyOf);
      const found = await check(imageFile(file), ...others, keyOf(key));
      assert.deepEqual([found.result, found.key], ["verified", `${key}.pub.pem`]);
      const what = isSealed(file) ? "its hash, which stands for the encrypted content, is signed" : "it is signed";
      assert.equal(found.because, `${what} by ${key}.pub.pem (${kind})`);
    });

    it(`of ${file} is not good for a flipped bit`, async () => {
      const image = imageFile(file);
      // Of what is encrypted only the signature itself can be looked at, which imgtool puts before the encrypted key.
      const off = isSealed(file) ? signatureOff(image) + 20 : Math.floor(image.length / 2);
      image[off]! ^= 0x10;
      const found = await check(image, keyOf(key));
      assert.equal(found.result, "broken");
      assert.match(found.because, new RegExp(`names ${key}.pub.pem \\(${kind}\\), but that key did not sign`));
    });
  }

  it("by another key of the same kind is told apart from a broken one, and the allowed keys are named", async () => {
    const found = await check(imageFile("ed25519-1.5.0.bin"), keyOf("signed/ed25519"), keyOf("rsa-2048"));
    assert.equal(found.result, "wrong-key");
    assert.match(found.because, /signed by the key with the hash [0-9a-f]{8}… \(Ed25519\), which is none of/);
    assert.match(found.because, /signed\/ed25519\.pub\.pem \(Ed25519\), rsa-2048\.pub\.pem \(RSA-2048\)/);
    assert.equal(RESULT(await check(imageFile("signed/fullkey.bin"), keyOf("ed25519"))), "wrong-key");
  });

  it("of another kind than the keys is by a wrong key", async () => {
    assert.equal(RESULT(await check(imageFile("ecdsa-p384-sha384-1.5.0.bin"), keyOf("ecdsa-p256"))), "wrong-key");
    assert.equal(RESULT(await check(imageFile("rsa-3072-1.5.0.bin"), keyOf("rsa-2048"))), "wrong-key");
  });

  it("is missing, or has no key to verify it", async () => {
    assert.equal(RESULT(await check(imageFile("hash-only-1.0.0.bin"), keyOf("ed25519"))), "unsigned");
    assert.equal(RESULT(await check(imageFile("ed25519-1.5.0.bin"))), "no-key");
    assert.equal(RESULT(await check(imageFile("hash-only-1.0.0.bin"))), "unsigned");
  });

  it("that names no key is tried with each one of its kind", async () => {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
    const plain = buildImage({ version: "1.0.0" });
    const hashed = plain.subarray(0, 32 + 256);
    const value = createSign("sha256").update(hashed).sign(privateKey);
    const image = buildImage({ version: "1.0.0", extraTlvs: [{ type: 0x22, data: value }] });
    const own = { ...keyOf("ecdsa-p256"), key: publicKey, name: "own" };
    const found = await check(image, keyOf("ecdsa-p256"), own);
    assert.deepEqual([found.result, found.key], ["verified", "own"]);
    assert.equal(RESULT(await check(image, keyOf("ecdsa-p256"))), "wrong-key");
  });

  it("cannot be verified when the pure content that it covers is encrypted", async () => {
    const image = imageFile("ed25519-encrypted-1.7.0.bin");
    assert.equal(RESULT(await check(withTlv(image, 0x25, Buffer.from([1])), keyOf("ed25519"))), "unsupported");
  });
});

describe("a signature over a hash", () => {
  const digest = (content: Buffer): Buffer => createHash("sha256").update(content).digest();
  const kinds: [kind: "ECDSA P-256" | "RSA-2048", pair: () => { privateKey: KeyObject; publicKey: KeyObject }][] = [
    ["ECDSA P-256", () => generateKeyPairSync("ec", { namedCurve: "prime256v1" })],
    ["RSA-2048", () => generateKeyPairSync("rsa", { modulusLength: 2048 })],
  ];
  for (const [kind, pair] of kinds) {
    it(`is as good as OpenSSL's over the content, for ${kind}`, () => {
      const { privateKey, publicKey } = pair();
      const key = { name: "own", kind, key: publicKey, der: Buffer.alloc(0) };
      const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
      for (let round = 0; round < 8; round++) {
        const content = Buffer.from(`content ${round}`);
        const value = createSign("sha256")
          .update(content)
          .sign(kind.startsWith("RSA") ? { key: privateKey, ...pss } : privateKey);
        assert.equal(verifyHash(key, digest(content), value), true);
        assert.equal(verifyHash(key, digest(Buffer.from("other")), value), false);
        value[value.length - 3]! ^= 1;
        assert.equal(verifyHash(key, digest(content), value), false);
        assert.equal(verifyHash(key, digest(content), value.subarray(0, 9)), false);
        assert.equal(verifyHash(key, digest(content), Buffer.alloc(0)), false);
      }
    });
  }
});

function isSealed(file: string): boolean {
  return /-encrypted|enc-|clear/.test(file);
}

/** Where the value of the signature starts. */
function signatureOff(image: Buffer): number {
  let at = image.readUInt16LE(8) + image.readUInt16LE(10) + image.readUInt32LE(12) + 4;
  while (![0x20, 0x22, 0x23, 0x24].includes(image.readUInt16LE(at))) at += 4 + image.readUInt16LE(at + 2);
  return at + 4;
}

/** With one more unprotected TLV at the end of the file. */
function withTlv(image: Buffer, type: number, data: Buffer): Buffer {
  const areaOff = image.readUInt16LE(8) + image.readUInt16LE(10) + image.readUInt32LE(12);
  const entry = Buffer.alloc(4 + data.length);
  entry.writeUInt16LE(type, 0);
  entry.writeUInt16LE(data.length, 2);
  data.copy(entry, 4);
  const longer = Buffer.concat([image, entry]);
  longer.writeUInt16LE(image.readUInt16LE(areaOff + 2) + entry.length, areaOff + 2);
  return longer;
}
