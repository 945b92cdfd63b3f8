import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { openFirmwarePackage } from "../../src/image/package";
import { inspectFirmware } from "../../src/image/inspect";
import { openFirmware } from "../../src/image/source";
import { buildImage } from "../build-image";
import { assertFails } from "./bad";
import { imageFile } from "./keys";

const IMAGE = buildImage({ version: "1.2.3", payloadBytes: 70_000 });

/** A record as the specification has it. */
function record(type: number, address: number, data: Uint8Array = Buffer.alloc(0)): string {
  const bytes = Buffer.from([data.length, address >> 8, address & 0xff, type, ...data]);
  const checksum = -bytes.reduce((sum, byte) => sum + byte, 0) & 0xff;
  return `:${Buffer.concat([bytes, Buffer.from([checksum])])
    .toString("hex")
    .toUpperCase()}`;
}

const END = record(1, 0);

/** Data records of 16 bytes, with an address record at each 64 KiB. */
function hexOf(image: Uint8Array, start: number): string[] {
  const lines: string[] = [];
  for (let off = 0; off < image.length; off += 16) {
    const address = start + off;
    if (off === 0 || (address & 0xffff) < 16)
      lines.push(record(4, 0, Buffer.from([address >> 24, (address >> 16) & 0xff])));
    lines.push(record(0, address & 0xffff, image.subarray(off, off + 16)));
  }
  return lines;
}

async function converted(text: string): Promise<Buffer> {
  const source = await openFirmware(Buffer.from(text));
  try {
    return Buffer.from(await source.read(0, source.sizeBytes));
  } finally {
    await source.close();
  }
}

describe("an Intel HEX file", () => {
  it("as imgtool writes it is the image that imgtool writes as binary", async () => {
    const hex = imageFile("signed/at-c000.hex");
    const pack = await openFirmwarePackage(hex);
    const binary = await openFirmware(imageFile("signed/at-c000.bin"));
    const [{ info, source }] = pack.parts;
    assert.deepEqual([pack.kind, info.versionText, info.signature], ["hex", "2.9.0", "Ed25519"]);
    assert.deepEqual(
      { ...info, label: "", packageSha256: undefined },
      { ...(await inspectFirmware(binary)), label: "", packageSha256: undefined },
    );
    assert.equal(info.packageSha256, createHash("sha256").update(hex).digest("hex"));
    assert.ok(imageFile("signed/at-c000.bin").equals(await source.read(0, source.sizeBytes)));
    await pack.close();
  });

  for (const newline of ["\n", "\r\n"]) {
    it(`may cross 64 KiB, and end its lines with ${JSON.stringify(newline)}`, async () => {
      const lines = [...hexOf(IMAGE, 0x1_8000), record(5, 0, Buffer.from([0, 1, 0x80, 1])), END, ""];
      assert.ok(IMAGE.equals(await converted(lines.join(newline))));
    });
  }

  it("may use segments, small letters and blanks, and leave out the last line's end", async () => {
    const small = buildImage({ version: "1.0.0" });
    const lines = [record(2, 0, Buffer.from([0x12, 0x34])), ...hexOf(small, 0).slice(1), record(3, 0, Buffer.alloc(4))];
    const text = [...lines, END].map((line) => `  ${line.toLowerCase()} `).join("\n");
    // The kind of a file is told from its first byte.
    assert.ok(small.equals(await converted(text.trimStart())));
  });

  it("has gaps, which are erased flash", async () => {
    const trailer = Buffer.from("end");
    const lines = [...hexOf(IMAGE, 0), record(4, 0, Buffer.from([0, 3])), record(0, 0, trailer), END];
    const binary = await converted(lines.join("\n"));
    assert.ok(binary.equals(Buffer.concat([IMAGE, Buffer.alloc(0x3_0000 - IMAGE.length, 0xff), trailer])));
  });

  const lines = hexOf(IMAGE, 0xc000);
  const changed = (index: number, line: string): string[] => lines.with(index, line);
  const wrong: readonly [what: string, lines: readonly string[], says: RegExp][] = [
    ["a wrong checksum", [...changed(4, lines[4]!.replace(/..$/, "00")), END], /line 5: its checksum is wrong/],
    [
      "a line that is cut off",
      [...changed(7, lines[7]!.slice(0, -4)), END],
      /line 8: it has 19 bytes, but announces 21/,
    ],
    [
      "half a digit pair",
      [...changed(7, lines[7]!.slice(0, -1)), END],
      /line 8: it is no record of hexadecimal digits/,
    ],
    ["other text", [...changed(2, "hello"), END], /line 3: it is no record of hexadecimal digits/],
    ["an unknown record", [...changed(2, record(6, 0)), END], /line 3: its record type 6 does not exist/],
    [
      "a wrong address record",
      [record(4, 0, Buffer.alloc(1)), END],
      /line 1: an address record has 1 bytes instead of 2/,
    ],
    [
      "an address that goes back",
      [...lines, record(0, 0, Buffer.alloc(1)), END],
      /0x10000 lies before the end of the line before/,
    ],
    ["something after its end", [lines[0]!, END, lines[1]!], /line 3: it comes after the end record/],
    ["no end", lines, /truncated: it has no end record/],
    [
      "only a single endless line",
      [lines[0]!, `:${"0".repeat(200_000)}`],
      /line 2: (it is too long|it has 100000 bytes)/,
    ],
    [
      "regions that lie far apart",
      [...lines, record(4, 0, Buffer.from([0x10, 0])), record(0, 0x1000, Buffer.alloc(4)), END],
      /0x10001000 lies 268320328 bytes behind the line before it/,
    ],
  ];
  for (const [what, text, says] of wrong) {
    it(`is refused for ${what}, with the line`, async () => {
      await assertFails(openFirmware(Buffer.from(text.join("\n"))), "SMP_BAD_IMAGE", says);
    });
  }

  it("that holds the bootloader as well is refused, with what to use", async () => {
    const merged = Buffer.concat([Buffer.alloc(0x100, 0x5a), IMAGE]);
    const file = Buffer.from([...hexOf(merged, 0), END].join("\n"));
    const says = /its lowest address holds no image header/;
    await assertFails(openFirmwarePackage(file), "SMP_BAD_IMAGE", says, /zephyr\.signed\.hex.*merged\.hex/);
  });

  it("of nothing is refused", async () => {
    await assertFails(openFirmware(Buffer.from(END)), "SMP_BAD_IMAGE", /is empty/);
  });
});
