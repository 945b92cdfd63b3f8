import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SmpError } from "../../src/errors";
import { loadPublicKeys, readKeySetting } from "../../src/image/key-files";
import { assertFails } from "./bad";
import { imageFile } from "./keys";
import { IMAGES } from "./samples";

const text = (name: string): string => imageFile(name).toString();
const path = (name: string): string => join(IMAGES, name);

describe("the setting of public keys", () => {
  const folder = mkdtempSync(join(tmpdir(), "smp-keys-"));
  after(() => rmSync(folder, { recursive: true }));

  it("may be pasted text of all forms, with paths between", async () => {
    const setting = [
      "# of the factory",
      text("ed25519.pub.pem"),
      path("rsa-2048.pub.pem"),
      text("signed/ecdsa-p256.c"),
      `  ${path("signed/ed25519.raw")}\r`,
      "// of the field",
      text("signed/rsa-2048.rs"),
    ].join("\n");
    const keys = await loadPublicKeys(readKeySetting(setting));
    assert.deepEqual(
      keys.map(({ name, kind }) => [name, kind]),
      [
        ["pasted key 1", "Ed25519"],
        ["pasted key 2", "ECDSA P-256"],
        ["pasted key 3", "RSA-2048"],
        [path("rsa-2048.pub.pem"), "RSA-2048"],
        [path("signed/ed25519.raw"), "Ed25519"],
      ],
    );
  });

  it("may be empty", async () => {
    assert.deepEqual(await loadPublicKeys(readKeySetting(" \n# no key yet\n")), []);
  });

  it("may have lost its lines on the way, as in an environment variable", () => {
    const pem = text("ed25519.pub.pem").trim();
    const { der } = readKeySetting(pem).pasted[0]!;
    for (const form of [pem.replaceAll("\n", " "), pem.replaceAll("\n", "\\n"), pem.replaceAll("\n", "\r\n")]) {
      assert.deepEqual(readKeySetting(form).pasted[0]?.der, der, form);
    }
  });

  it("is not taken for paths when a key in it is not whole", () => {
    const pem = text("rsa-2048.pub.pem");
    const c = text("signed/ed25519.c");
    for (const part of [pem.slice(0, 200), pem.slice(60), c.slice(0, 150), c.slice(90, 300)]) {
      assert.throws(
        () => readKeySetting(part),
        { code: "SMP_BAD_SETTING", message: /not whole|no readable|holds no/ },
        part,
      );
    }
  });

  it("names a single pasted key so", () => {
    assert.equal(readKeySetting(text("ed25519.pub.pem")).pasted[0]!.name, "the pasted key");
  });

  it("refuses a private key at once", () => {
    const pem = "-----BEGIN PRIVATE KEY-----\nsecret\n-----END PRIVATE KEY-----";
    assert.throws(() => readKeySetting(pem), SmpError);
    assert.throws(() => readKeySetting("const unsigned char enc_priv_key[] = { 0x30, };"), SmpError);
  });

  const files: readonly [what: string, name: string, content: string | Buffer | undefined, says: RegExp][] = [
    ["that does not exist", "gone.pem", undefined, /cannot read the public key: the file .*gone\.pem does not exist/],
    ["that is no key", "text.pem", "secret text", /text\.pem holds no public key/],
    ["that holds a private key", "own.pem", "-----BEGIN EC PRIVATE KEY-----secret", /own\.pem holds a private key/],
    ["that is too large to be one", "big.bin", Buffer.alloc(70_000), /big\.bin has 70000 bytes: it is no key file/],
    ["that is empty", "empty.pem", "", /empty\.pem is empty/],
  ];
  for (const [what, name, content, says] of files) {
    it(`refuses a file ${what}`, async () => {
      if (content !== undefined) writeFileSync(join(folder, name), content);
      const error = await assertFails(loadPublicKeys(readKeySetting(join(folder, name))), "SMP_BAD_SETTING", says);
      assert.equal(error.details.field, "keys");
      assert.doesNotMatch(`${error.message} ${error.hint} ${error.stack}`, /secret/);
    });
  }

  it("reads files below the allowed folders only", async () => {
    const setting = readKeySetting(path("ed25519.pub.pem"));
    await assertFails(
      loadPublicKeys(setting, { folders: [[folder]] }),
      "SMP_BAD_SETTING",
      /does not lie below the folders/,
    );
    assert.equal((await loadPublicKeys(setting, { folders: [[IMAGES]] })).length, 1);
  });
});
