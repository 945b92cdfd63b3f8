import assert from "node:assert/strict";
import { openFirmwarePackage } from "../../src/image/package";
import { verifySignature } from "../../src/image/signature";
import { packageParts } from "../../src/update/package-parts";
import type { UpdateResult } from "../../src/update/run-types";
import { buildImage } from "../build-image";
import { buildPackage } from "../build-zip";
import { keyOf } from "../image/keys";
import { imageBytes } from "../images";
import { useBench, type Bench, type BenchOptions } from "./bench";
import { flags, read } from "./lifecycle";

/** Version 3.1.4+159, signed, depends on image 1 in 1.2.0 or newer. */
const APP = imageBytes("ed25519-dependency-counter-3.1.4+159.bin");
const net = (version: string): Buffer => buildImage({ version, payloadBytes: 900 });
const TWO_CORES: BenchOptions = { imageCount: 2, image1Slot0: net("1.1.0") };

function zipWith(netVersion: string): Buffer {
  return buildPackage([
    { file: "app_update.bin", data: APP, image_index: "0", slot_index_primary: "1", slot_index_secondary: "2" },
    { file: "net_core_app_update.bin", data: net(netVersion), image_index: "1", board: "x_cpunet" },
  ]);
}

/** As the update node does it. */
async function update(bench: Bench, zip: Buffer, keys: readonly string[] = []): Promise<UpdateResult> {
  const pack = await openFirmwarePackage(zip);
  try {
    const signatures = new Map();
    for (const part of keys.length > 0 ? pack.parts : []) {
      signatures.set(part, await verifySignature(part.source, keys.map(keyOf)));
    }
    return await bench.update({ parts: packageParts(pack, { signatures }) });
  } finally {
    await pack.close();
  }
}

describe("an update from a package", () => {
  const newBench = useBench();

  it("brings both cores with one reset, the one that the other depends on as well", async () => {
    const bench = newBench(TWO_CORES);
    const result = await update(bench, zipWith("1.2.0"));
    assert.deepEqual([result.error, result.verdict, result.ok], [undefined, "confirmed", true]);
    assert.equal(bench.requests("os.reset").length, 1);
    const running = flags(await read(bench)).filter((slot) => slot.includes("active"));
    assert.deepEqual(running, ["0 3.1.4+159 active confirmed", "0 1.2.0 active confirmed"]);
  });

  it("sends nothing when what it brings is too old for what depends on it", async () => {
    const bench = newBench(TWO_CORES);
    const result = await update(bench, zipWith("1.1.9"));
    assert.deepEqual([result.ok, result.error?.code], [false, "SMP_DEPENDENCY"]);
    assert.match(result.error!.message, /needs image 1 in version 1\.2\.0 or newer; this update brings 1\.1\.9/);
    assert.equal(bench.requests("image.upload").length, 0);
  });

  it("sends nothing when one of its images is not signed", async () => {
    const bench = newBench(TWO_CORES);
    const result = await update(bench, zipWith("1.2.0"), ["ed25519"]);
    assert.deepEqual([result.ok, result.error?.code], [false, "SMP_BAD_SIGNATURE"]);
    assert.match(result.error!.message, /net_core_app_update\.bin in .* is refused: it is not signed/);
    assert.equal(bench.requests("image.upload").length, 0);
  });
});
