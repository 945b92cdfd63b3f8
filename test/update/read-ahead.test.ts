import assert from "node:assert/strict";
import type { FirmwareSource } from "../../src/image/firmware-source";
import { ReadAhead } from "../../src/update/read-ahead";

const FILE = Buffer.from(Array.from({ length: 200_000 }, (_, index) => (index * 7) % 251));

function countedSource(): { source: FirmwareSource; reads: number[] } {
  const reads: number[] = [];
  const source: FirmwareSource = {
    label: "counted",
    sizeBytes: FILE.length,
    read: async (offBytes, lengthBytes) => {
      assert.ok(offBytes + lengthBytes <= FILE.length, "never beyond the file");
      reads.push(lengthBytes);
      return FILE.subarray(offBytes, offBytes + lengthBytes);
    },
    close: async () => {},
  };
  return { source, reads };
}

describe("reading ahead", () => {
  it("gives the file's bytes, and asks for them seldom", async () => {
    const { source, reads } = countedSource();
    const ahead = new ReadAhead(source);
    for (let off = 0; off < FILE.length; off += 220) {
      const end = Math.min(off + 220, FILE.length);
      assert.ok(FILE.subarray(off, end).equals(await ahead.read(off, end)), `at ${off}`);
    }
    assert.ok(reads.length < 20, `${reads.length} reads`);
    assert.ok(Math.max(...reads) <= 32 * 1024, "it holds little");
    ahead.close();
  });

  it("goes back to what has to be sent again, also before what it holds", async () => {
    const { source } = countedSource();
    const ahead = new ReadAhead(source);
    for (const off of [100_000, 100_220, 100_000, 40, 0, 199_900]) {
      assert.ok(FILE.subarray(off, off + 100).equals(await ahead.read(off, off + 100)), `at ${off}`);
    }
    ahead.close();
  });
});
