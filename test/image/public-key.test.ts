import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { SmpError } from "../../src/errors";
import { parseKeyBytes, parsePublicKeys } from "../../src/image/public-key";
import { imageFile, keyOf } from "./keys";

const text = (name: string): string => imageFile(name).toString();

describe("a public key", () => {
  for (const name of ["ed25519", "ecdsa-p256", "ecdsa-p384", "rsa-2048"]) {
    it(`of ${name} is the same from PEM, C, Rust and bytes`, () => {
      const pem = keyOf(`signed/${name}`);
      for (const form of ["c", "rs"]) {
        assert.deepEqual(parsePublicKeys(text(`signed/${name}.${form}`), form)[0]!.der, pem.der, form);
      }
      assert.deepEqual(parseKeyBytes(imageFile(`signed/${name}.raw`), "raw").der, pem.der);
      assert.deepEqual(imageFile(`signed/${name}.raw`), pem.der, "as MCUboot has it");
    });
  }

  it("may stand among others and among remarks, and gets a number", () => {
    const both = `# factory\r\n${text("ed25519.pub.pem")}\nfield:\n${text("rsa-3072.pub.pem")}`;
    const kinds = parsePublicKeys(both, "pool").map(({ name, kind }) => [name, kind]);
    assert.deepEqual(kinds, [
      ["pool, key 1", "Ed25519"],
      ["pool, key 2", "RSA-3072"],
    ]);
  });

  const privatePem = (): string =>
    generateKeyPairSync("ed25519").privateKey.export({ format: "pem", type: "pkcs8" }).toString();
  const pem = (kind: string, body: string): string => `-----BEGIN ${kind}-----\n${body}\n-----END ${kind}-----\n`;
  const wrong: readonly [what: string, text: () => string, says: RegExp][] = [
    ["nothing at all", () => "", /k\.pem holds no public key/],
    ["some text", () => "secret text", /holds no public key/],
    ["a private key", privatePem, /holds a private key, which must not be here/],
    ["a private key beside its public one", () => privatePem() + text("ed25519.pub.pem"), /holds a private key/],
    ["a damaged key", () => pem("PUBLIC KEY", "c2VjcmV0"), /is no readable public key/],
    ["a certificate request", () => pem("CERTIFICATE REQUEST", "c2VjcmV0"), /is no readable public key/],
    ["an array that is no key", () => `{ ${"0x55, ".repeat(20)} }`, /is no readable public key/],
    ["a key for encryption", () => text("x25519.pub.pem"), /of a kind that signs no MCUboot image \(x25519\)/],
    [
      "a curve that MCUboot does not know",
      () => publicPem(generateKeyPairSync("ec", { namedCurve: "secp521r1" }).publicKey),
      /\(ec secp521r1\)/,
    ],
  ];
  for (const [what, give, says] of wrong) {
    it(`is not ${what}, and the text is not shown`, () => {
      assert.throws(
        () => parsePublicKeys(give(), "k.pem"),
        (error: unknown) => {
          assert.ok(error instanceof SmpError);
          assert.equal(error.code, "SMP_BAD_SETTING");
          assert.equal(error.details.field, "keys");
          assert.match(error.message, says);
          const shown = `${error.message} ${error.hint} ${String(error.cause)} ${error.stack}`;
          assert.doesNotMatch(shown, /secret|c2VjcmV0|MC4CAQ|0x55/);
          return true;
        },
      );
    });
  }
});

function publicPem(key: { export(options: { format: "pem"; type: "spki" }): string | Buffer }): string {
  return key.export({ format: "pem", type: "spki" }).toString();
}
