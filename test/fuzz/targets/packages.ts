/** Firmware as people have it: packages, hex files, and the keys to verify it with. */
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { readKeySetting } from "../../../src/image/key-files";
import { parseManifest } from "../../../src/image/manifest";
import { openFirmwarePackage, type FirmwarePackage } from "../../../src/image/package";
import { parseKeyBytes, parsePublicKeys } from "../../../src/image/public-key";
import { verifySignature } from "../../../src/image/signature";
import { openFirmware } from "../../../src/image/source";
import { buildImage } from "../../build-image";
import { buildZip } from "../../build-zip";
import { imageBytes } from "../../images";
import { bytes, damaged } from "../inputs";
import { refusedOrDone, refusedOrResolved, target } from "../target";

const PEM = imageBytes("ecdsa-p256.pub.pem");
const KEYS = ["ecdsa-p256", "ed25519", "rsa-2048"].flatMap((name) =>
  parsePublicKeys(imageBytes(`${name}.pub.pem`).toString(), name),
);
const SIGNED = ["ecdsa-p256-1.5.0.bin", "ed25519-1.5.0.bin"].map(imageBytes);
/** Only what lies behind the payload is worth damaging. */
const signed = fc
  .constantFrom(...SIGNED)
  .chain((image) =>
    damaged(fc.constant(image.subarray(-400))).map((end) => Buffer.concat([image.subarray(0, -400), end])),
  );

const small = (version: string): Buffer => buildImage({ version, payloadBytes: 64 });
const manifest = fc.record(
  {
    "format-version": fc.nat(2),
    name: fc.string({ maxLength: 10 }),
    files: fc.array(
      fc.record(
        {
          file: fc.constantFrom("a.bin", "b.bin", "../a.bin", "", "a.hex", "none"),
          image_index: fc.oneof(fc.constantFrom("0", "1", "x", "0x1"), fc.integer({ min: -1, max: 4 })),
          slot: fc.oneof(fc.constantFrom("0", "1", "2", "3"), fc.nat(4)),
          size: fc.oneof(fc.nat(500), fc.constantFrom(132)),
          type: fc.constantFrom("application", "mcuboot", "suit-envelope", ""),
        },
        { requiredKeys: ["file"] },
      ),
      { maxLength: 3 },
    ),
  },
  { requiredKeys: ["files"] },
);
const packed = fc.boolean();
const claims = fc.option(fc.record({ sizeBytes: fc.oneof(fc.nat(1000), fc.constant(0xffff_ffff)) }), {
  nil: undefined,
});
const zip = fc.tuple(manifest, packed, claims).map(([json, isPacked, claimed]) =>
  buildZip([
    { name: "manifest.json", data: JSON.stringify(json), packed: isPacked },
    { name: "a.bin", data: small("1.0.0"), packed: isPacked, ...(claimed && { claims: claimed }) },
    { name: "b.bin", data: small("2.0.0") },
  ]),
);

const record = fc
  .record({ type: fc.oneof(fc.constant(0), fc.nat(6)), address: fc.nat(0xffff), data: bytes(20), isRight: fc.nat(9) })
  .map(({ type, address, data, isRight }) => {
    const line = Buffer.concat([Buffer.of(data.length, address >> 8, address & 0xff, type), data]);
    const sum = -line.reduce((all, byte) => all + byte, 0) & 0xff;
    return `:${line.toString("hex").toUpperCase()}${(sum ^ (isRight === 0 ? 1 : 0)).toString(16).padStart(2, "0")}\n`;
  });
const hex = fc.array(record, { maxLength: 12 }).map((lines) => Buffer.from(`${lines.join("")}:00000001FF\n`));

/** In a temporary folder of its own, which must be empty afterwards. */
async function withoutLitter(work: () => Promise<unknown>): Promise<void> {
  const before = process.env["TMPDIR"];
  const folder = mkdtempSync(join(tmpdir(), "smp-fuzz-"));
  process.env["TMPDIR"] = folder;
  try {
    await work();
    assert.deepEqual(readdirSync(folder), [], "no temporary file is left");
  } finally {
    if (before === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = before;
    rmSync(folder, { recursive: true, force: true });
  }
}

async function openAndClose(input: Buffer): Promise<void> {
  await withoutLitter(async () => {
    const opened: FirmwarePackage | undefined = await refusedOrResolved(() =>
      openFirmwarePackage(input, { maxBytes: 1024 * 1024 }),
    );
    for (const { source, info } of opened?.parts ?? []) {
      assert.ok(source.sizeBytes <= 1024 * 1024);
      assert.equal((await source.read(0, source.sizeBytes)).length, info.sizeBytes);
    }
    await opened?.close();
  });
}

export const PACKAGE_TARGETS = [
  target("package: a zip with any manifest is opened or refused", zip, openAndClose, 2),
  target("package: a damaged zip is opened or refused, whatever sizes it claims", damaged(zip), openAndClose, 4),
  target("package: any hex records are converted or refused", hex, openAndClose, 2),
  target("package: a damaged hex file is converted or refused", damaged(hex), openAndClose, 2),
  target(
    "manifest: any text is read or refused",
    fc.oneof(
      fc.json(),
      manifest.map((each) => JSON.stringify(each)),
      fc.string(),
    ),
    (text) => {
      refusedOrDone(() => parseManifest(text, "package"));
    },
  ),
  target(
    "keys: any text or bytes are keys or refused",
    fc.oneof(damaged(fc.constant(PEM)), bytes()),
    (input) => {
      refusedOrDone(() => parsePublicKeys(input.toString("latin1"), "key"));
      refusedOrDone(() => parseKeyBytes(input, "key"));
    },
    5,
  ),
  target(
    "keys: any setting is keys and paths, or refused",
    fc.oneof(
      damaged(fc.constantFrom(PEM, imageBytes("signed/rsa-2048.c"), imageBytes("signed/ecdsa-p384.rs"))),
      bytes(),
    ),
    (input) => {
      refusedOrDone(() => readKeySetting(input.toString("latin1")));
    },
    5,
  ),
  target(
    "signature: of a damaged image it is judged or refused, and never verified for other content",
    signed,
    async (input) => {
      const source = await openFirmware(input);
      const check = await refusedOrResolved(() => verifySignature(source, KEYS));
      if (check?.result !== "verified") return;
      const original = SIGNED.find((image) => image.subarray(0, -400).equals(input.subarray(0, image.length - 400)));
      assert.ok(original, "what is signed is what was signed");
    },
    2,
  ),
];
