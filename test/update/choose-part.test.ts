import assert from "node:assert/strict";
import { openFirmwarePackage } from "../../src/image/package";
import { choosePart, imagesIn, needsState } from "../../src/update/choose-part";
import { buildImage } from "../build-image";
import { buildPackage, type PackageFile } from "../build-zip";
import { imageBytes } from "../images";
import { rejectsWith } from "./expect";
import { state } from "./states";

const APP = buildImage({ version: "1.5.0" });
const NET = buildImage({ version: "1.2.0" });
const FILES: readonly PackageFile[] = [
  { file: "app.bin", data: APP, image_index: "0" },
  { file: "net.bin", data: NET, image_index: "1" },
];
const PAIR: readonly PackageFile[] = [
  { file: "s1.bin", data: imageBytes("signed/rom-fixed-80000.bin"), slot: "1" },
  { file: "s0.bin", data: imageBytes("signed/rom-fixed-10000.bin"), slot: "0" },
];

describe("the choice from a package", () => {
  const choose = async (
    files: readonly PackageFile[],
    image: number,
    images?: ReturnType<typeof state>,
  ): Promise<string> => {
    const pack = await openFirmwarePackage(buildPackage(files));
    try {
      return choosePart(pack, { image, images }).name;
    } finally {
      await pack.close();
    }
  };

  it("goes by the image number", async () => {
    assert.equal(await choose(FILES, 0), "app.bin");
    assert.equal(await choose(FILES, 1), "net.bin");
    const error = await rejectsWith("SMP_BAD_INPUT", () => choose(FILES, 2));
    assert.match(
      error.message,
      /has nothing for image 2; it has app\.bin \(image 0, 1\.5\.0\), net\.bin \(image 1, 1\.2\.0\)/,
    );
    assert.equal(error.details.field, "image");
  });

  it("of a plain image is that image, for any number", async () => {
    const pack = await openFirmwarePackage(APP);
    assert.equal(choosePart(pack, { image: 3 }).info.versionText, "1.5.0");
    assert.deepEqual(imagesIn(pack, 3), [3]);
    await pack.close();
  });

  it("of a pair for direct XIP is the build for the slot that is free", async () => {
    const withoutSlots = PAIR.map(({ file, data }): PackageFile => ({ file, data }));
    for (const files of [PAIR, withoutSlots]) {
      assert.equal(await choose(files, 0, state("0 1.0.0 active confirmed")), "s1.bin");
      assert.equal(await choose(files, 0, state("0 1.0.0", "1 1.1.0 active confirmed")), "s0.bin");
      assert.equal(await choose(files, 0, []), "s0.bin", "MCUboot's recovery writes slot 0");
      const error = await rejectsWith("SMP_BAD_INPUT", () => choose(files, 0));
      assert.match(error.message, /a build for each slot of image 0/);
    }
  });

  it("is none when two files are for the same image and slot", async () => {
    const twice = [
      { file: "a.bin", data: APP },
      { file: "b.bin", data: NET },
    ];
    const error = await rejectsWith("SMP_BAD_INPUT", () => choose(twice, 0, state("0 1.0.0 active confirmed")));
    assert.match(error.message, /more than one file for image 0; it has a\.bin .*, b\.bin/);
  });

  it("leaves a new bootloader alone unless it is all that there is", async () => {
    const files = [...FILES, { file: "mcuboot.bin", data: NET, type: "mcuboot" }];
    assert.equal(await choose(files, 0), "app.bin");
    assert.equal(await choose([{ file: "mcuboot.bin", data: NET, type: "mcuboot" }], 0), "mcuboot.bin");
  });

  it("tells which images a package updates, and whether the device's state is needed", async () => {
    const pack = await openFirmwarePackage(buildPackage([...FILES].toReversed()));
    assert.deepEqual([imagesIn(pack), needsState(pack, 0)], [[0, 1], false]);
    await pack.close();
    const pair = await openFirmwarePackage(buildPackage(PAIR));
    assert.deepEqual([imagesIn(pair), needsState(pair, 0)], [[0], true]);
    await pair.close();
  });
});
