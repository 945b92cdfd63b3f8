import assert from "node:assert/strict";
import type { FirmwarePackage, FirmwarePart } from "../../src/image/package";
import { openFirmware } from "../../src/image/source";
import { packageParts } from "../../src/update/package-parts";
import { buildImage, hashOf } from "../build-image";
import { inspect } from "../image/samples";
import { state } from "./states";

async function part(version: string, more: Partial<FirmwarePart> = {}): Promise<FirmwarePart> {
  const file = buildImage({ version });
  const [info, source] = [await inspect(file), await openFirmware(file)];
  return { name: version, image: undefined, slot: undefined, role: "application", ...more, info, source };
}

function pack(...[first, ...rest]: FirmwarePart[]): FirmwarePackage {
  const close = async (): Promise<void> => undefined;
  return { kind: "zip", label: "dfu_application.zip", name: undefined, sha256: "", parts: [first!, ...rest], close };
}

describe("the parts of a package", () => {
  it("are a single file for the image that was asked for", async () => {
    const [only, ...more] = packageParts(pack(await part("2.0.0")), { image: 1 })([]);
    assert.deepEqual([only?.image, only?.info.versionText, more], [1, "2.0.0", []]);
  });

  it("are one for each image, with what is known of their signatures", async () => {
    const [app, net] = [await part("2.0.0", { image: 0 }), await part("3.0.0", { image: 1 })];
    const signature = { result: "verified", because: "it is" } as const;
    const parts = packageParts(pack(net, app), { signatures: new Map([[net, signature]]) })([]);
    assert.deepEqual(
      parts.map(({ image, info, signature: found }) => [image, info.versionText, found?.result]),
      [
        [0, "2.0.0", undefined],
        [1, "3.0.0", "verified"],
      ],
    );
  });

  it("are the build for the free slot, unless one of the pair runs", async () => {
    const [low, high] = [await part("2.0.0", { image: 0, slot: 0 }), await part("2.0.1", { image: 0, slot: 1 })];
    const parts = packageParts(pack(low, high));
    const chosen = (...lines: string[]) => parts(state(...lines))[0]?.info.hash;
    const hashes = ["2.0.0", "2.0.1"].map((version) => hashOf(buildImage({ version })).toString("hex"));
    assert.equal(chosen("0 1.0.0 active confirmed"), hashes[1]);
    assert.equal(chosen("1 1.0.0 active confirmed"), hashes[0]);
    assert.equal(chosen("0 2.0.0 active confirmed"), hashes[0]);
    assert.equal(chosen("1 2.0.1 active confirmed", "0 1.0.0"), hashes[1]);
  });
});
