import assert from "node:assert/strict";
import { NorFlash } from "../../src/device/flash";
import type { UploadProgress } from "../../src/update/types";
import { buildImage } from "../build-image";
import { SMALL, SMALL_FILE, useBench } from "./bench";
import { rejectsWith } from "./expect";

const OTHER = buildImage({ version: "0.9.0", payloadBytes: 2_000 });

/** The pages that devices erase while `work` runs, in order. */
async function erasedPages(work: () => Promise<void>): Promise<number[]> {
  const prototype = NorFlash.prototype as { erasePage: (page: number) => boolean };
  const { erasePage } = prototype;
  const pages: number[] = [];
  prototype.erasePage = function (page) {
    pages.push(page);
    return erasePage.call(this, page);
  };
  try {
    await work();
    return pages;
  } finally {
    prototype.erasePage = erasePage;
  }
}

describe("flash is not erased needlessly", () => {
  const newBench = useBench();

  for (const progressiveErase of [false, true]) {
    it(`by going on with the same file${progressiveErase ? ", where pages are erased one by one" : ""}`, async () => {
      const bench = newBench({ ...SMALL, slot1: OTHER, progressiveErase, pageBytes: 512 });
      const controller = new AbortController();
      const onProgress = ({ offBytes }: UploadProgress): void => void (offBytes > 900 && controller.abort());
      const before = await erasedPages(async () => {
        await rejectsWith("SMP_ABORTED", () => bench.upload(SMALL_FILE, { signal: controller.signal, onProgress }));
      });
      assert.ok(before.length > 0);
      const after = await erasedPages(async () => {
        const { resumedFromBytes } = await bench.upload(SMALL_FILE);
        assert.ok(resumedFromBytes >= 900, `resumed from ${resumedFromBytes}`);
      });
      bench.assertSlot(1, SMALL_FILE);
      assert.equal(after.length > 0, progressiveErase);
      const all = [...before, ...after];
      assert.equal(new Set(all).size, all.length, `pages ${before.join()}, then ${after.join()}`);
    });
  }

  it("when the slot holds the very image already", async () => {
    const bench = newBench({ ...SMALL, slot1: SMALL_FILE });
    const pages = await erasedPages(async () => {
      assert.equal((await bench.upload(SMALL_FILE)).outcome, "already-in-slot");
    });
    assert.deepEqual(pages, []);
    bench.assertSlot(1, SMALL_FILE);
  });

  it("when the device runs the very image already", async () => {
    const bench = newBench({ ...SMALL, slot0: SMALL_FILE, slot1: OTHER });
    const pages = await erasedPages(async () => {
      assert.equal((await bench.upload(SMALL_FILE)).outcome, "already-current");
    });
    assert.deepEqual(pages, []);
    bench.assertSlot(1, OTHER);
  });
});
