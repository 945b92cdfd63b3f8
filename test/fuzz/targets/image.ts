import assert from "node:assert/strict";
import * as fc from "fast-check";
import { inspectFirmware, type FirmwareInfo } from "../../../src/image/inspect";
import { openFirmware } from "../../../src/image/source";
import { compareVersions, formatVersion, parseVersion } from "../../../src/image/version";
import { buildImage, hashOf } from "../../build-image";
import { anything, bytes, damaged } from "../inputs";
import { refusedOrDone, refusedOrResolved, target } from "../target";

const version = fc.record({
  major: fc.nat(0xff),
  minor: fc.nat(0xff),
  revision: fc.nat(0xffff),
  build: fc.nat(0xffff_ffff),
});
const tlv = fc.record({ type: fc.oneof(fc.nat(0xffff), fc.constantFrom(0x01, 0x22, 0x24, 0x71)), data: bytes(70) });
const options = fc.record({
  version: version.map(formatVersion),
  payload: bytes(200),
  headerBytes: fc.integer({ min: 32, max: 96 }),
  hash: fc.constantFrom(32, 48, 64),
  securityCounter: fc.option(fc.nat(0xffff_ffff), { nil: undefined }),
  dependencies: fc.array(fc.record({ image: fc.nat(255), minVersion: version.map(formatVersion) }), { maxLength: 2 }),
  extraTlvs: fc.array(
    tlv.filter(({ type }) => type < 0x10 || type > 0x12),
    { maxLength: 3 },
  ),
});
type Built = Parameters<typeof buildImage>[0];
const built = options.map((each) => ({ given: each, file: buildImage(each as unknown as Built) }));
const image = built.map(({ file }) => file);

async function inspect(input: Uint8Array): Promise<FirmwareInfo | undefined> {
  return await refusedOrResolved(async () => {
    const source = await openFirmware(input);
    let readBytes = 0;
    const counted = {
      ...source,
      label: source.label,
      sizeBytes: source.sizeBytes,
      read: (off: number, length: number) => {
        readBytes += length;
        return source.read(off, length);
      },
      close: () => source.close(),
    };
    try {
      return await inspectFirmware(counted);
    } finally {
      assert.ok(readBytes <= 4 * input.length + 2_048, `${readBytes} bytes read of ${input.length}`);
    }
  });
}

export const IMAGE_TARGETS = [
  target("image: what was built is what is found", built, async ({ given, file }) => {
    const info = await inspect(file);
    assert.ok(info);
    assert.equal(info.versionText, given.version);
    assert.equal(info.hash, hashOf(file).toString("hex"));
    assert.equal(info.sizeBytes, file.length);
    assert.equal(info.dependencies.length, given.dependencies.length);
    assert.equal(info.securityCounter, given.securityCounter);
  }),
  target(
    "image: a damaged one is inspected or refused",
    damaged(image),
    async (input) => void (await inspect(input)),
    20,
  ),
  target("image: any bytes behind the magic are refused or inspected", bytes(200), async (input) => {
    await inspect(Buffer.concat([Buffer.from("3db8f396", "hex"), input]));
  }),
  target(
    "firmware: anything is opened or refused",
    anything.filter((value) => typeof value !== "string"),
    async (value) => {
      const source = await refusedOrResolved(() => openFirmware(value));
      await source?.close();
    },
    2,
  ),
  target(
    "version: comes back in all of its forms",
    fc.tuple(version, version),
    ([one, other]) => {
      assert.deepEqual(parseVersion(formatVersion(one)), { ...one });
      assert.equal(Math.sign(compareVersions(one, other)) + Math.sign(compareVersions(other, one)), 0);
    },
    5,
  ),
  target(
    "version: any text is read or refused",
    fc.oneof(fc.string(), fc.stringMatching(/^[\d.+]{1,20}$/)),
    (text) => {
      refusedOrDone(() => parseVersion(text));
    },
    5,
  ),
];
