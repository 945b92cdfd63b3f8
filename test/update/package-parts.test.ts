import assert from "node:assert/strict";
import { openFirmwarePackage, type FirmwarePackage, type FirmwarePart } from "../../src/image/package";
import { openFirmware } from "../../src/image/source";
import { packageParts } from "../../src/update/package-parts";
import { buildImage, hashOf } from "../build-image";
import { inspect } from "../image/samples";
import { buildPackage } from "../build-zip";
import { B, useBench } from "./bench";
import { read } from "./lifecycle";
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

describe("an update from a package", () => {
  const newBench = useBench();
  const network = buildImage({ version: "6.0.0" });

  const opened: FirmwarePackage[] = [];
  afterEach(() => Promise.all(opened.splice(0).map((each) => each.close())));

  const zip = async (): Promise<FirmwarePackage> => {
    const made = await openFirmwarePackage(
      buildPackage([
        { file: "app_update.bin", data: B, image_index: "0" },
        { file: "ipc_radio.bin", data: network, image_index: "1" },
      ]),
    );
    opened.push(made);
    return made;
  };

  it("brings application and network core with one reset, and both stay", async () => {
    const bench = newBench({ imageCount: 2, image1Slot0: buildImage({ version: "5.0.0" }) });
    const result = await bench.update({ parts: packageParts(await zip()) });
    assert.deepEqual([result.ok, result.verdict], [true, "confirmed"], result.because);
    assert.equal(bench.requests("os.reset").length, 1);
    const running = (await read(bench)).filter(({ active, confirmed }) => active && confirmed);
    assert.deepEqual(
      running.map(({ image, version }) => [image, version]),
      [
        [0, "1.2.3+4"],
        [1, "6.0.0"],
      ],
    );
    const again = await bench.update({ parts: packageParts(await zip()) });
    assert.equal(again.verdict, "already-current");
  });

  it("is refused whole when one of its images has not the right signature", async () => {
    const bench = newBench({ imageCount: 2, image1Slot0: buildImage({ version: "5.0.0" }) });
    const both = await zip();
    const wrong = { result: "wrong-key", because: "it is signed by another key" } as const;
    const signatures = new Map(both.parts.filter(({ image }) => image === 1).map((each) => [each, wrong]));
    const result = await bench.update({ parts: packageParts(both, { signatures }) });
    assert.deepEqual([result.verdict, result.error?.code], ["failed", "SMP_BAD_SIGNATURE"]);
    assert.equal(bench.requests("image.upload").length, 0);
  });
});
