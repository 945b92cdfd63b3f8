import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { openFirmwarePackage, type FirmwarePackage } from "../../src/image/package";
import { openFirmware } from "../../src/image/source";
import { inspectFirmware } from "../../src/image/inspect";
import { buildImage } from "../build-image";
import { buildPackage, buildZip } from "../build-zip";
import { assertFails } from "./bad";
import { imageFile } from "./keys";

const APP = imageFile("ed25519-1.5.0.bin");
const NET = buildImage({ version: "1.2.0", payloadBytes: 900 });

async function opened<T>(input: unknown, look: (pack: FirmwarePackage) => T): Promise<T> {
  const pack = await openFirmwarePackage(input, { what: "msg.firmware" });
  try {
    return look(pack);
  } finally {
    await pack.close();
    await pack.close();
  }
}

/** Temporary files that this process holds. */
function openSpools(): string[] {
  const descriptors = existsSync("/proc/self/fd") ? readdirSync("/proc/self/fd") : [];
  const files = descriptors.map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return ""; // The one that listed the directory.
    }
  });
  return files.filter((file) => file.includes("smp-firmware-"));
}

const sha = (file: Uint8Array): string => createHash("sha256").update(file).digest("hex");

describe("a firmware package", () => {
  afterEach(() => assert.deepEqual(openSpools(), [], "no file stays open"));

  it("of the nRF Connect SDK gives each image with its number and version", async () => {
    const zip = buildPackage([
      { file: "app_update.bin", data: APP, image_index: "0", slot_index_primary: "1", slot_index_secondary: "2" },
      { file: "net_core_app_update.bin", data: NET, image_index: "1", load_address: 16812032, board: "x_cpunet" },
    ]);
    await opened(zip, (pack) => {
      assert.deepEqual([pack.kind, pack.name, pack.sha256], ["zip", "sensor", sha(zip)]);
      const seen = pack.parts.map(({ name, image, slot, role, info }) => [name, image, slot, role, info.versionText]);
      assert.deepEqual(seen, [
        ["app_update.bin", 0, undefined, "application", "1.5.0"],
        ["net_core_app_update.bin", 1, undefined, "application", "1.2.0"],
      ]);
      assert.equal(pack.parts[1]!.board, "x_cpunet");
      const [{ info }] = pack.parts;
      assert.deepEqual([info.fileSha256, info.packageSha256], [sha(APP), sha(zip)]);
      assert.match(info.label, /^app_update\.bin in a Buffer of \d+ bytes$/);
    });
  });

  it("gives the bytes of its images, whether they are packed or stored, from a file, a Buffer or a stream", async () => {
    const folder = mkdtempSync(join(tmpdir(), "smp-package-"));
    const stored = buildZip([
      { name: "manifest.json", data: JSON.stringify({ "format-version": 0, files: [{ file: "a.bin" }] }) },
      { name: "a.bin", data: APP },
    ]);
    const file = join(folder, "dfu_application.zip");
    writeFileSync(file, stored);
    for (const input of [file, stored, buildPackage([{ file: "a.bin", data: APP }]), Readable.from([stored])]) {
      const pack = await openFirmwarePackage(input);
      const [{ source }] = pack.parts;
      assert.ok(APP.equals(await source.read(0, source.sizeBytes)));
      await pack.close();
    }
    rmSync(folder, { recursive: true });
  });

  it("with one image is as good as the image itself", async () => {
    const source = await openFirmware(buildPackage([{ file: "app_update.bin", data: APP }]));
    const info = await inspectFirmware(source);
    assert.deepEqual([info.versionText, info.fileSha256], ["1.5.0", sha(APP)]);
    await source.close();
  });

  it("with several images is no single one, and says what it has", async () => {
    const zip = buildPackage([
      { file: "app.bin", data: APP, image_index: 0 },
      { file: "net.bin", data: NET, image_index: 1 },
    ]);
    const says = /several images, one is wanted: app\.bin \(image 0, 1\.5\.0\), net\.bin \(image 1, 1\.2\.0\)/;
    await assertFails(openFirmware(zip), "SMP_BAD_INPUT", says, /openFirmwarePackage/);
  });

  it("knows the slots of direct XIP, however they are counted, and bootloaders", async () => {
    const zip = buildPackage([
      { file: "a0.bin", data: APP, image_index: "0", slot: "0" },
      { file: "a1.bin", data: APP, image_index: "0", slot: "1" },
      { file: "b0.bin", data: NET, image_index: "1", slot: "2" },
      { file: "b1.bin", data: NET, image_index: "1", slot: "3" },
      { file: "s0.bin", data: NET, type: "mcuboot" },
    ]);
    await opened(zip, ({ parts }) => {
      const seen = parts.map(({ image, slot, role }) => [image, slot, role]);
      assert.deepEqual(seen.slice(0, 4), [
        [0, 0, "application"],
        [0, 1, "application"],
        [1, 0, "application"],
        [1, 1, "application"],
      ]);
      assert.equal(parts[4]!.role, "bootloader");
    });
  });

  it("of an old SDK may have hexadecimal numbers and a byte order mark in its manifest", async () => {
    const manifest = `\uFEFF{"format-version": 0, "files": [{"file": "app.bin", "load_address": 0xc200, "size": 0x${APP.length.toString(16)}}]}`;
    const zip = buildZip([
      { name: "manifest.json", data: manifest },
      { name: "app.bin", data: APP },
    ]);
    await opened(zip, ({ parts }) => assert.equal(parts.length, 1));
  });

  it("that is a plain image is that image", async () => {
    await opened(APP, ({ kind, parts, sha256 }) => {
      assert.deepEqual([kind, parts.length, sha256, parts[0].image], ["image", 1, sha(APP), undefined]);
      assert.equal(parts[0].info.packageSha256, undefined);
    });
  });
});

describe("what is no usable package", () => {
  afterEach(() => assert.deepEqual(openSpools(), [], "no file stays open"));

  const manifest = (content: unknown): { name: string; data: string } => ({
    name: "manifest.json",
    data: typeof content === "string" ? content : JSON.stringify(content),
  });
  const damaged = Buffer.from(APP);
  damaged[9000]! ^= 1;
  const packed = buildPackage([{ file: "app.bin", data: APP }]);
  const flipped = Buffer.from(packed);
  flipped[5000]! ^= 0xff;

  const wrong: readonly [what: string, input: Buffer, code: "SMP_BAD_IMAGE" | "SMP_IMAGE_TOO_LARGE", says: RegExp][] = [
    ["cut off", packed.subarray(0, packed.length - 30), "SMP_BAD_IMAGE", /ZIP file that cannot be read/],
    ["damaged", flipped, "SMP_BAD_IMAGE", /ZIP file that cannot be read|is damaged|stream of|malformed|hash TLV/],
    ["empty", buildZip([]), "SMP_BAD_IMAGE", /it has no manifest\.json, it has nothing/],
    [
      "without a manifest",
      buildZip([{ name: "build/zephyr.signed.bin", data: APP }]),
      "SMP_BAD_IMAGE",
      /it has no manifest\.json, it has build\/zephyr\.signed\.bin/,
    ],
    ["with a manifest that is no JSON", buildZip([manifest("{")]), "SMP_BAD_IMAGE", /manifest\.json, it is no JSON/],
    ["with a manifest that is a list", buildZip([manifest([])]), "SMP_BAD_IMAGE", /it lists no files/],
    ["without files", buildZip([manifest({ files: [] })]), "SMP_BAD_IMAGE", /it lists no files/],
    ["with a file without name", buildZip([manifest({ files: [null] })]), "SMP_BAD_IMAGE", /files\[0\] names no file/],
    [
      "with an image number that is none",
      buildZip([manifest({ files: [{ file: "a", image_index: "x" }] })]),
      "SMP_BAD_IMAGE",
      /files\[0\]\.image_index is no whole number/,
    ],
    [
      "with a slot that is none",
      buildZip([manifest({ files: [{ file: "a", image_index: 1, slot: 7 }] })]),
      "SMP_BAD_IMAGE",
      /slot 7 is none of image 1/,
    ],
    [
      "that lacks a file",
      buildZip([manifest({ files: [{ file: "gone.bin" }] })]),
      "SMP_BAD_IMAGE",
      /lacks gone\.bin, which its manifest\.json names/,
    ],
    [
      "whose file has another size",
      buildPackage([{ file: "app.bin", data: APP, size: 5 }]),
      "SMP_BAD_IMAGE",
      /app\.bin in a Buffer of \d+ bytes has 20656 bytes, its manifest\.json says 5/,
    ],
    [
      "with a damaged image",
      buildPackage([{ file: "app.bin", data: damaged }]),
      "SMP_BAD_IMAGE",
      /app\.bin in .* is damaged/,
    ],
    [
      "with a file that is no image",
      buildPackage([{ file: "app.hex", data: Buffer.from(":00000001FF\n") }]),
      "SMP_BAD_IMAGE",
      /app\.hex in .* is no MCUboot image: it is an Intel HEX file/,
    ],
    [
      "for SUIT",
      buildPackage([{ file: "root.suit", data: Buffer.from("x"), type: "suit-envelope" }]),
      "SMP_BAD_IMAGE",
      /package for SUIT/,
    ],
    [
      "behind a password",
      buildZip([
        manifest({ files: [{ file: "app.bin" }] }),
        { name: "app.bin", data: APP, packed: true, claims: { encrypted: true } },
      ]),
      "SMP_BAD_IMAGE",
      /app\.bin is protected by a password/,
    ],
    [
      "that leads out of itself",
      buildZip([{ name: "../../etc/passwd", data: "x" }, manifest({ files: [{ file: "../../etc/passwd" }] })]),
      "SMP_BAD_IMAGE",
      /cannot be read: invalid relative path/,
    ],
    [
      "that unpacks to far more than firmware has",
      buildZip([
        manifest({ files: [{ file: "bomb.bin" }] }),
        { name: "bomb.bin", data: "x", packed: true, claims: { sizeBytes: 0xfffffff0 } },
      ]),
      "SMP_IMAGE_TOO_LARGE",
      /bomb\.bin in .* unpacks to 4294967280 bytes/,
    ],
    [
      "that unpacks to more than it says",
      buildZip([
        manifest({ files: [{ file: "bomb.bin" }] }),
        { name: "bomb.bin", data: Buffer.alloc(50_000_000), packed: true, claims: { sizeBytes: 1000 } },
      ]),
      "SMP_BAD_IMAGE",
      /cannot be read: too many bytes in the stream/,
    ],
    [
      "with a manifest of the size of a film",
      buildZip([{ name: "manifest.json", data: Buffer.alloc(300_000, 0x20), packed: true }]),
      "SMP_BAD_IMAGE",
      /its manifest\.json has 300000 bytes/,
    ],
    [
      "with thousands of files",
      buildZip(Array.from({ length: 1001 }, (_, index) => ({ name: String(index), data: "" }))),
      "SMP_BAD_IMAGE",
      /it has 1001 files, more than 1000/,
    ],
  ];
  for (const [what, input, code, says] of wrong) {
    it(`is one ${what}`, async () => {
      const error = await assertFails(openFirmwarePackage(input, { what: "msg.firmware" }), code, says);
      assert.equal(error.details.field, "msg.firmware");
    });
  }

  it("is one whose images are too large together", async () => {
    const data = buildImage({ version: "1.0.0", payload: Buffer.alloc(20_000) });
    const zip = buildPackage([
      { file: "a.bin", data },
      { file: "b.bin", data },
    ]);
    const says = /b\.bin in .* unpacks to 20072 bytes, more than the 4928 that are left/;
    await assertFails(openFirmwarePackage(zip, { maxBytes: 25_000 }), "SMP_IMAGE_TOO_LARGE", says);
  });
});
