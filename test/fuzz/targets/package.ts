import assert from "node:assert/strict";
import * as fc from "fast-check";
import { readKeySetting } from "../../../src/image/key-files";
import { parseManifest } from "../../../src/image/manifest";
import { openFirmwarePackage } from "../../../src/image/package";
import { parsePublicKeys } from "../../../src/image/public-key";
import { verifySignature } from "../../../src/image/signature";
import { openFirmware } from "../../../src/image/source";
import { choosePart, imagesIn } from "../../../src/update/choose-part";
import { buildImage } from "../../build-image";
import { buildPackage } from "../../build-zip";
import { imageFile, keyOf } from "../../image/keys";
import { damaged } from "../inputs";
import { refusedOrDone, refusedOrResolved, target } from "../target";

const FILES = [
  { file: "app.bin", data: buildImage({ version: "1.0.0" }), image_index: "0" },
  { file: "net.bin", data: buildImage({ version: "2.0.0" }), image_index: 1, slot: "3" },
];
const zips = fc.constantFrom(buildPackage(FILES), buildPackage(FILES.slice(0, 1)));
const hexes = fc.constant(imageFile("signed/at-c000.hex").subarray(0, 2_000));
const signed = fc.constantFrom(
  ...["pure", "fullkey", "padsig", "enc-p256", "enc-rsa"].map((name) => imageFile(`signed/${name}.bin`)),
);
const KEYS = ["ed25519", "ecdsa-p256", "rsa-2048"].map((name) => keyOf(`signed/${name}`));
const keyTexts = fc.constantFrom(
  ...["ed25519.pub.pem", "rsa-2048.c", "ecdsa-p384.rs"].map((name) => imageFile(`signed/${name}`)),
);

async function open(input: Uint8Array): Promise<void> {
  const pack = await refusedOrResolved(() => openFirmwarePackage(input));
  if (!pack) return;
  const images = imagesIn(pack);
  assert.ok(images.length > 0);
  for (const image of images) refusedOrDone(() => choosePart(pack, { image, images: [] }));
  await pack.close();
}

export const PACKAGE_TARGETS = [
  target("package: a damaged ZIP file is opened or refused", damaged(zips), open, 3),
  target("package: a damaged hex file is opened or refused", damaged(hexes), open, 3),
  target(
    "manifest: any JSON is read or refused",
    fc.json(),
    (text) => void refusedOrDone(() => parseManifest(text, "x")),
  ),
  target(
    "manifest: any files are read or refused",
    fc.array(fc.dictionary(fc.constantFrom("file", "type", "size", "image_index", "slot", "board"), fc.jsonValue())),
    (files) => void refusedOrDone(() => parseManifest(JSON.stringify({ files }), "x")),
    1,
  ),
  target(
    "signature: of a damaged image it is judged, or the image refused",
    damaged(signed),
    async (input) => void (await refusedOrResolved(async () => verifySignature(await openFirmware(input), KEYS))),
    2,
  ),
  target("keys: a damaged text is read or refused", damaged(keyTexts), (input) => {
    refusedOrDone(() => readKeySetting(input.toString("latin1")));
    refusedOrDone(() => parsePublicKeys(input.toString("latin1"), "x"));
  }),
  target("keys: any text is read or refused", fc.string({ unit: "binary", maxLength: 200 }), (text) => {
    refusedOrDone(() => readKeySetting(text));
  }),
];
