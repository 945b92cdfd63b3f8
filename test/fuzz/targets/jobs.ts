import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { poolJobs } from "../../../nodes/runtime/job-records";
import type { NodeAPI } from "../../../nodes/runtime/red";
import { anything, damaged } from "../inputs";
import { target } from "../target";

const entry = fc.record({
  pool: fc.oneof(fc.constant("p"), anything),
  device: fc.oneof(fc.constant("d"), anything),
  at: fc.oneof(fc.constant("2026-01-01T00:00:00.000Z"), anything),
  phase: fc.oneof(fc.constantFrom("uploading", "uploaded", "marked", "trial"), anything),
  firmware: fc.oneof(
    anything,
    fc.record({
      version: fc.string(),
      hash: fc.string(),
      fileSha256: fc.string(),
      sizeBytes: fc.nat(),
      image: fc.nat(3),
    }),
  ),
});
const file = fc
  .record({
    format: fc.constantFrom<unknown>(1, 2, "1", null),
    jobs: fc.oneof(anything, fc.array(entry, { maxLength: 4 })),
  })
  .map((given) => Buffer.from(textOf(given)));

function textOf(given: unknown): string {
  return JSON.stringify(given, (_key, value: unknown) => (typeof value === "bigint" ? String(value) : value));
}

export const JOB_TARGETS = [
  target(
    "unfinished updates: any file is read or warned about, and the pool goes on",
    fc.oneof(file, damaged(file)),
    async (content) => {
      const userDir = mkdtempSync(join(tmpdir(), "smp-fuzz-"));
      try {
        mkdirSync(join(userDir, "smp-dfu"));
        writeFileSync(join(userDir, "smp-dfu", "jobs.json"), content);
        const warnings: string[] = [];
        const jobs = poolJobs({ settings: { userDir } } as unknown as NodeAPI, "p", (text) => warnings.push(text));
        const found = jobs.find("d");
        if (found) assert.deepEqual([typeof found.firmware.hash, typeof found.firmware.image], ["string", "number"]);
        jobs.ended("d");
        await jobs.written();
        assert.equal(jobs.find("d"), undefined);
        assert.ok(warnings.length <= 1);
      } finally {
        rmSync(userDir, { recursive: true });
      }
    },
    1,
  ),
];
