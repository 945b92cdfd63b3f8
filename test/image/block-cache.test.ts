import assert from "node:assert/strict";
import { mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BLOCK_BYTES, BlockCache, fileBlocks } from "../../src/image/block-cache";
import { inspectFirmware } from "../../src/image/inspect";
import { openFirmware, type FirmwareSource } from "../../src/image/source";
import { buildImage } from "../build-image";
import { assertFails } from "./bad";
import { fileReads } from "./file-reads";

const PIECE = 10;

/** A file whose readings are counted and end when the test says so. */
class CountedFile {
  readonly reads: number[] = [];
  waiting: (() => void)[] = [];
  readonly #cache: BlockCache;
  readonly #name: string;
  readonly #isHeld: boolean;

  constructor(cache: BlockCache, name: string, isHeld = false) {
    this.#cache = cache;
    this.#name = name;
    this.#isHeld = isHeld;
    cache.opened(name);
  }

  read(offBytes: number): Promise<Uint8Array> {
    const load = async (): Promise<Uint8Array> => {
      this.reads.push(offBytes);
      if (this.#isHeld) await new Promise<void>((resolve) => this.waiting.push(resolve));
      return Buffer.from(`${this.#name}${offBytes}`);
    };
    return this.#cache.read({ file: this.#name, offBytes, lengthBytes: PIECE, load });
  }
}

describe("the cache of blocks", () => {
  it("reads a block once for all who ask at the same time, and for those who ask later", async () => {
    const file = new CountedFile(new BlockCache(100), "a", true);
    const asked = Promise.all([file.read(0), file.read(0), file.read(10)]);
    assert.deepEqual(file.reads, [0, 10]);
    for (const go of file.waiting) go();
    assert.deepEqual((await asked).map(String), ["a0", "a0", "a10"]);
    assert.equal(String(await file.read(0)), "a0");
    assert.deepEqual(file.reads, [0, 10]);
  });

  it("never holds more than its bound, and lets go what was not used for longest", async () => {
    const cache = new BlockCache(3 * PIECE);
    const file = new CountedFile(cache, "a");
    for (const off of [0, 10, 20, 0, 30]) {
      await file.read(off);
      assert.ok(cache.heldBytes <= 3 * PIECE, `${cache.heldBytes} bytes`);
    }
    await file.read(0);
    assert.deepEqual(file.reads, [0, 10, 20, 30], "10 gave way, 0 did not");
    await file.read(10);
    assert.deepEqual(file.reads, [0, 10, 20, 30, 10]);
  });

  it("counts what is still being read", async () => {
    const cache = new BlockCache(2 * PIECE);
    const file = new CountedFile(cache, "a", true);
    const asked = [0, 10, 20, 30].map((off) => file.read(off));
    assert.equal(cache.heldBytes, 2 * PIECE);
    for (const go of file.waiting) go();
    assert.deepEqual((await Promise.all(asked)).map(String), ["a0", "a10", "a20", "a30"]);
    assert.equal(cache.heldBytes, 2 * PIECE);
  });

  it("tells files apart, and forgets a file with its last user", async () => {
    const cache = new BlockCache(100);
    const [a, b] = [new CountedFile(cache, "a"), new CountedFile(cache, "b")];
    cache.opened("a");
    assert.deepEqual([await a.read(0), await b.read(0)].map(String), ["a0", "b0"]);
    cache.closed("a");
    assert.equal(cache.heldBytes, 2 * PIECE);
    cache.closed("a");
    assert.equal(cache.heldBytes, PIECE);
    await a.read(0);
    assert.equal(cache.heldBytes, PIECE, "nothing is kept of a file that nobody has open");
  });

  it("holds a block for each who has a file open or reads through one, at least two, and lets them go again", async () => {
    const cache = new BlockCache(5 * PIECE, PIECE);
    const file = new CountedFile(cache, "a");
    const heldAfterAll = async (): Promise<number> => {
      for (let off = 0; off < 80; off += PIECE) await file.read(off);
      return cache.heldBytes / PIECE;
    };
    assert.equal(await heldAfterAll(), 2);
    cache.opened("a");
    const ends = [cache.reading(), cache.reading()];
    assert.equal(await heldAfterAll(), 4);
    ends.push(cache.reading(), cache.reading());
    assert.equal(await heldAfterAll(), 5, "never more than in all");
    for (const end of ends) end();
    assert.equal(cache.heldBytes / PIECE, 2);
    cache.opened("b");
    assert.equal(await heldAfterAll(), 3);
    cache.closed("b");
    assert.equal(cache.heldBytes / PIECE, 2);
  });

  it("lets one's failure be nobody else's, and keeps nothing of it", async () => {
    const cache = new BlockCache(100);
    cache.opened("a");
    const block = { file: "a", offBytes: 0, lengthBytes: PIECE };
    const failing = cache.read({ ...block, load: () => Promise.reject(new Error("closed")) });
    const other = cache.read({ ...block, load: async () => Buffer.from("whole") });
    await assert.rejects(failing, /closed/);
    assert.equal(String(await other), "whole");
    await assert.rejects(cache.read({ ...block, offBytes: 10, load: () => Promise.reject(new Error("broken")) }));
    assert.equal(cache.heldBytes, PIECE);
  });
});

describe("a firmware file that many have open", () => {
  const FILE = buildImage({ version: "1.1.0", payloadBytes: 300_000 });
  let folder: string;
  let path: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "smp-cache-test-"));
    path = join(folder, "app.bin");
    await writeFile(path, FILE);
  });
  afterEach(() => rm(folder, { recursive: true }));

  it("is read once, whoever looks at it, and gives all bytes", async () => {
    const heldBefore = fileBlocks.heldBytes;
    let sources: FirmwareSource[] = [];
    const reads = await fileReads(async () => {
      sources = await Promise.all(Array.from({ length: 20 }, () => openFirmware(path)));
      for (const info of await Promise.all(sources.map((source) => inspectFirmware(source))))
        assert.equal(info.versionText, "1.1.0");
    });
    assert.deepEqual(
      reads.toSorted((a, b) => a - b),
      Array.from({ length: Math.ceil(FILE.length / BLOCK_BYTES) }, (_, block) => block * BLOCK_BYTES),
    );
    assert.deepEqual(Buffer.from(await sources[0]!.read(60_000, 150_000)), FILE.subarray(60_000, 210_000));
    assert.equal(fileBlocks.heldBytes - heldBefore, FILE.length);
    await Promise.all(sources.map((source) => source.close()));
    assert.equal(fileBlocks.heldBytes, heldBefore);
  });

  async function mostHeldBy(readers: number): Promise<number> {
    const large = Buffer.alloc(5 * 1024 * 1024, FILE);
    await writeFile(path, large);
    const sources = await Promise.all(Array.from({ length: readers }, () => openFirmware(path)));
    let mostHeld = 0;
    const readAll = async (source: FirmwareSource): Promise<void> => {
      for (let off = 0; off < large.length; off += BLOCK_BYTES) {
        const bytes = await source.read(off, Math.min(BLOCK_BYTES, large.length - off));
        assert.ok(large.subarray(off, off + BLOCK_BYTES).equals(bytes), `at ${off}`);
        mostHeld = Math.max(mostHeld, fileBlocks.heldBytes);
      }
    };
    await Promise.all(sources.map(readAll));
    await Promise.all(sources.map((source) => source.close()));
    return mostHeld;
  }

  it("is not held whole when it is large, by one reader hardly at all", async () => {
    assert.equal(await mostHeldBy(1), 2 * BLOCK_BYTES);
    const mostHeld = await mostHeldBy(140);
    assert.ok(mostHeld > 3 * 1024 * 1024 && mostHeld <= 4 * 1024 * 1024, `${mostHeld} bytes`);
  });

  it("is another one after it changed, and who began with the old one hears of it", async () => {
    const old = await openFirmware(path);
    await inspectFirmware(old);
    const changed = Buffer.from(FILE);
    changed[5_000]! ^= 0xff;
    await writeFile(path, changed);
    await utimes(path, 1e9, 1e9);
    const source = await openFirmware(path);
    assert.deepEqual(Buffer.from(await source.read(0, FILE.length)), changed);
    await assertFails(old.read(0, 4), "SMP_FIRMWARE_SOURCE", /changed while it was in use/);
    await source.close();
    await old.close();
  });

  it("is read to its end by the others when the first one closes it", async () => {
    const [first, ...others] = await Promise.all(Array.from({ length: 4 }, () => openFirmware(path)));
    const begun = first!.read(0, 10).catch(() => undefined);
    const read = others.map((source) => source.read(0, FILE.length));
    await first!.close();
    await begun;
    for (const bytes of await Promise.all(read)) assert.ok(FILE.equals(bytes));
    await Promise.all(others.map((source) => source.close()));
  });
});
