import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { VirtualDevice } from "../../src/device/device";
import { BLOCK_BYTES, fileBlocks } from "../../src/image/block-cache";
import { inspectFirmware } from "../../src/image/inspect";
import { openFirmware, type FirmwareSource } from "../../src/image/source";
import { createPool } from "../../src/session/pool";
import { virtualTransport } from "../../src/transport/virtual";
import type { UploadResult } from "../../src/update/types";
import { uploadFirmware } from "../../src/update/upload";
import { buildImage } from "../build-image";
import { fileReads } from "../image/file-reads";

const COUNT = 20;
const NAMES = Array.from({ length: COUNT }, (_, index) => `d${index}`);
const FILE = buildImage({ version: "1.1.0", payloadBytes: 150_000 });
const BLOCKS = Math.ceil(FILE.length / BLOCK_BYTES);
const OLD = buildImage({ version: "1.0.0" });

describe("one image for many devices", function () {
  this.timeout(60_000);

  /** Uploads to all devices side by side. @returns the results, where files were read, and the most that the cache held */
  async function uploadToAll(open: () => Promise<FirmwareSource>) {
    const devices = new Map(
      NAMES.map((name) => [name, new VirtualDevice({ name, slot0: OLD, slotBytes: 256 * 1024 })]),
    );
    const transport = virtualTransport({ find: (name) => devices.get(name), names: () => NAMES });
    const pool = createPool(transport, { maxSessions: COUNT });
    let results: UploadResult[] = [];
    // Other tests may have left files open.
    const heldBefore = fileBlocks.heldBytes;
    let mostHeld = 0;
    const onProgress = (): void => void (mostHeld = Math.max(mostHeld, fileBlocks.heldBytes - heldBefore));
    const upload = async (name: string): Promise<UploadResult> => {
      const source = await open();
      try {
        const info = await inspectFirmware(source);
        return await pool.use(name, { name: "test" }, (device) => uploadFirmware(device, source, info, { onProgress }));
      } finally {
        await source.close();
      }
    };
    const reads = await fileReads(async () => {
      results = await Promise.all(NAMES.map(upload));
    });
    for (const device of devices.values()) {
      assert.ok(FILE.equals(device.store.slot(0, 1).read(0, FILE.length)), "the slot differs from the file");
      device.close();
    }
    await pool.close();
    return { results, reads, mostHeld, servedFrom: [...new Set(results.map((result) => result.servedFrom))] };
  }

  it("is read once from its file, held once, and not at all afterwards", async () => {
    const heldBefore = fileBlocks.heldBytes;
    const folder = await mkdtemp(join(tmpdir(), "smp-shared-test-"));
    const path = join(folder, "app.bin");
    await writeFile(path, FILE);
    try {
      const { reads, mostHeld, servedFrom } = await uploadToAll(() => openFirmware(path));
      assert.equal(reads.length, BLOCKS);
      assert.ok(mostHeld <= FILE.length, `${mostHeld} bytes`);
      assert.equal(fileBlocks.heldBytes, heldBefore);
      assert.deepEqual(servedFrom, ["file"]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("is used in place from a Buffer", async () => {
    const { reads, mostHeld, servedFrom } = await uploadToAll(async () => {
      const source = await openFirmware(FILE);
      assert.equal((await source.read(0, FILE.length)).buffer, FILE.buffer);
      return source;
    });
    assert.deepEqual([reads.length, mostHeld], [0, 0]);
    assert.deepEqual(servedFrom, ["memory"]);
  });

  it("is spooled once when it comes as a stream", async () => {
    const pieces = [FILE.subarray(0, 70_000), FILE.subarray(70_000)];
    const spooled = await openFirmware(Readable.from(pieces));
    // It is read by all, and closed once at the end.
    const shared: FirmwareSource = {
      label: spooled.label,
      sizeBytes: spooled.sizeBytes,
      servedFrom: spooled.servedFrom,
      read: (offBytes, lengthBytes) => spooled.read(offBytes, lengthBytes),
      close: async () => undefined,
    };
    const { reads, mostHeld, servedFrom } = await uploadToAll(async () => shared);
    // While it is only checked, not all of it is held, and a block may be read again.
    assert.ok(reads.length < 2 * BLOCKS, `${reads.length} readings`);
    assert.ok(mostHeld <= FILE.length, `${mostHeld} bytes`);
    assert.deepEqual(servedFrom, ["spool"]);
    await spooled.close();
  });
});
