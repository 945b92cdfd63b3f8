import assert from "node:assert/strict";
import { deflateRawSync, gzipSync } from "node:zlib";
import { inspectFirmware } from "../../src/image/inspect";
import type { FirmwareSource } from "../../src/image/source";
import { buildImage } from "../build-image";
import { assertFails } from "./bad";
import { fromHex, inspect, SAMPLE_A, SAMPLE_B } from "./samples";

const patched = (image: Buffer, off: number, ...bytes: number[]): Buffer => {
  const copy = Buffer.from(image);
  copy.set(bytes, off);
  return copy;
};

describe("what is no image", () => {
  const kinds: { name: string; bytes: Buffer; message: RegExp; hint: RegExp }[] = [
    {
      name: "an unsigned zephyr.bin",
      bytes: Buffer.concat([fromHex("00100020 a5010000 99010000"), Buffer.alloc(600, 0x42)]),
      message: /unsigned image.*00100020/,
      hint: /zephyr\.signed\.bin, not zephyr\.bin/,
    },
    {
      name: "an unsigned zephyr.bin with room for the header",
      bytes: Buffer.concat([Buffer.alloc(512), fromHex("00100020a5010000")]),
      message: /unsigned image/,
      hint: /zephyr\.signed\.bin/,
    },
    { name: "an ELF file", bytes: fromHex("7f454c46010101000000"), message: /ELF/, hint: /zephyr\.signed\.bin/ },
    {
      name: "an Intel HEX file",
      bytes: Buffer.from(":020000040001F9\r\n:10C2000000100020\r\n"),
      message: /Intel HEX/,
      hint: /zephyr\.signed\.bin/,
    },
    { name: "an S-record file", bytes: Buffer.from("S00600004844521B\n"), message: /S-record/, hint: /signed/ },
    { name: "a UF2 file", bytes: Buffer.from("UF2\nWQ]\x9e", "latin1"), message: /UF2/, hint: /signed/ },
    {
      name: "a DFU package",
      bytes: Buffer.concat([fromHex("504b0304 1400"), deflateRawSync("manifest.json")]),
      message: /ZIP file/,
      hint: /not packed in another/,
    },
    { name: "a gzip file", bytes: gzipSync("x"), message: /gzip/, hint: /[Uu]npack/ },
    { name: "an image of the old format", bytes: patched(SAMPLE_A, 0, 0x3c), message: /version 1/, hint: /imgtool/ },
    {
      name: "a big-endian image",
      bytes: patched(SAMPLE_A, 0, 0x96, 0xf3, 0xb8, 0x3d),
      message: /big-endian/,
      hint: /little-endian/,
    },
    { name: "a SUIT envelope", bytes: fromHex("d86ba2025873825824"), message: /SUIT/, hint: /not supported/ },
    { name: "text", bytes: Buffer.from("hello, wörld 👋\n"), message: /it is text/, hint: /zephyr\.signed\.bin/ },
    {
      name: "a login page",
      bytes: Buffer.from("\n<!DOCTYPE html><html></html>"),
      message: /web page/,
      hint: /download/,
    },
    { name: "an image as Base64", bytes: Buffer.from(SAMPLE_A.toString("base64")), message: /Base64/, hint: /Decode/ },
    {
      name: "an image that was read as UTF-8 text",
      bytes: Buffer.from(SAMPLE_A.toString("utf8")),
      message: /as text/,
      hint: /Buffer/,
    },
    {
      name: "an image that was read as Latin-1 and written as UTF-8",
      bytes: Buffer.from(SAMPLE_A.toString("latin1")),
      message: /as text/,
      hint: /Buffer/,
    },
    { name: "erased flash", bytes: Buffer.alloc(1024, 0xff), message: /erased/, hint: /slot/ },
  ];

  for (const { name, bytes, message, hint } of kinds) {
    it(`says so of ${name}`, async () => {
      await assertFails(inspect(bytes), "SMP_BAD_IMAGE", /a Buffer of \d+ bytes is no MCUboot image/);
      await assertFails(inspect(bytes), "SMP_BAD_IMAGE", message, hint);
    });
  }

  it("recognises text whose last character is cut off by the part that is looked at", async () => {
    await assertFails(inspect(Buffer.from(`a${"ö".repeat(1000)}`)), "SMP_BAD_IMAGE", /it is text/);
  });
});

describe("a damaged image", () => {
  it("is refused with the hash that is expected and the one it has", async () => {
    await assertFails(
      inspect(patched(SAMPLE_A, 40, 0x99)),
      "SMP_BAD_IMAGE",
      /damaged.*fe96bbe6….*[0-9a-f]{8}…/,
      /again/,
    );
  });

  it("says how many bytes are missing", async () => {
    await assertFails(inspect(SAMPLE_A.subarray(0, 136 - 7)), "SMP_BAD_IMAGE", /truncated.* 7 bytes are missing/);
    await assertFails(inspect(SAMPLE_A.subarray(0, 20)), "SMP_BAD_IMAGE", /truncated.* 12 bytes are missing/);
  });

  it("without a hash is refused", async () => {
    await assertFails(inspect(patched(SAMPLE_A, 100, 0x01)), "SMP_BAD_IMAGE", /no hash TLV/, /imgtool/);
  });

  it("with two hashes is refused, as Zephyr does", async () => {
    const another = { type: 0x11, data: Buffer.alloc(48) };
    await assertFails(
      inspect(buildImage({ version: "1.0.0", extraTlvs: [another] })),
      "SMP_BAD_IMAGE",
      /two hash TLVs/,
    );
  });

  const malformed: { name: string; bytes: Buffer; message: RegExp }[] = [
    { name: "a header that is too small", bytes: patched(SAMPLE_A, 8, 31), message: /byte 8: .*31 bytes/ },
    { name: "no TLV area", bytes: patched(SAMPLE_A, 96, 0xff, 0xff), message: /byte 96: .*6907.*ffff/ },
    { name: "a TLV area without room", bytes: patched(SAMPLE_A, 98, 3), message: /byte 96: .*3 bytes/ },
    { name: "a TLV that is too long", bytes: patched(SAMPLE_A, 102, 33), message: /byte 100: .*33 bytes.*32 left/ },
    { name: "a rest in the TLV area", bytes: patched(SAMPLE_A, 102, 31), message: /byte 135: 1 bytes are left/ },
    { name: "a hash of the wrong length", bytes: patched(SAMPLE_A, 100, 0x11), message: /byte 100: .*32.*48/ },
    { name: "no protected area", bytes: patched(SAMPLE_B, 48, 0x07), message: /byte 48: .*6908.*6907/ },
    { name: "two protected sizes", bytes: patched(SAMPLE_B, 50, 11), message: /byte 48: .*11 bytes.*12/ },
    { name: "an unannounced protected area", bytes: patched(SAMPLE_B, 10, 0), message: /byte 48: .*6907.*6908/ },
    { name: "a counter of the wrong length", bytes: shortCounter(), message: /security counter.*3 bytes instead of 4/ },
    { name: "a dependency of the wrong length", bytes: shortDependency(), message: /dependency.*11 bytes/ },
  ];
  for (const { name, bytes, message } of malformed) {
    it(`with ${name} is refused, naming the byte`, async () => {
      await assertFails(inspect(bytes), "SMP_BAD_IMAGE", message);
    });
  }

  function shortCounter(): Buffer {
    return buildImage({ version: "1.0.0", protectedTlvs: [{ type: 0x50, data: Buffer.alloc(3) }] });
  }

  function shortDependency(): Buffer {
    return buildImage({ version: "1.0.0", protectedTlvs: [{ type: 0x40, data: Buffer.alloc(11) }] });
  }

  for (const [name, image] of Object.entries({ "hash only": SAMPLE_A, "protected TLVs": SAMPLE_B })) {
    it(`is refused at every length it can be cut to (${name})`, async () => {
      for (let length = 0; length < image.length; length++) {
        await assertFails(inspect(image.subarray(0, length)), "SMP_BAD_IMAGE", length === 0 ? /empty/ : /truncated/);
      }
    });

    it(`is refused whatever one byte of it becomes, and reads stay inside the file (${name})`, async () => {
      for (let off = 0; off < image.length; off++) {
        for (const value of otherValues(image[off]!)) {
          await assertFails(inspectFirmware(strictSource(patched(image, off, value))), "SMP_BAD_IMAGE", /./);
        }
      }
    });
  }

  function otherValues(value: number): number[] {
    const flipped = [0, 1, 2, 3, 4, 5, 6, 7].map((bit) => value ^ (1 << bit));
    return [...new Set([...flipped, 0x00, 0xff, (value + 1) & 0xff])].filter((other) => other !== value);
  }

  /** Fails the test when the reader believes a length that the file does not have. */
  function strictSource(bytes: Buffer): FirmwareSource {
    return {
      label: "the image",
      sizeBytes: bytes.length,
      read: async (off, length) => {
        assert.ok(off >= 0 && length >= 0 && off + length <= bytes.length, `read ${length} bytes at ${off}`);
        return bytes.subarray(off, off + length);
      },
      close: async () => undefined,
    };
  }
});
