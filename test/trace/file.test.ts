import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { traceFile, type TraceFileOptions } from "../../src/trace/file";
import { readTrace } from "../../src/trace/read";
import type { EventRecord, TraceRecord } from "../../src/trace/record";
import { Kept, tracedUpdate } from "./bench";

const record = (n: number, text = "x"): EventRecord => ({
  kind: "event",
  event: "open",
  n,
  at: "2026-01-31T10:00:00.000Z",
  ms: n,
  device: "d",
  link: "l",
  text,
});

describe("a trace file", () => {
  let folder: string;
  let faults: string[];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "smp-trace-"));
    faults = [];
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const path = (): string => join(folder, "sub", "trace.jsonl");
  const write = async (records: Iterable<TraceRecord>, options: Partial<TraceFileOptions> = {}): Promise<void> => {
    const onFault = (message: string): void => void faults.push(message);
    const file = traceFile({ path: path(), maxBytes: 1e6, frames: "described", onFault, ...options });
    for (const each of records) file.take(each);
    await file.close();
  };
  const lines = (file = path()) => readTrace(readFileSync(file, "utf8"));

  it("holds every record of an update, as it was told", async () => {
    const { records } = await tracedUpdate(new Kept("whole"));
    await write(records, { frames: "whole" });
    const [start, ...rest] = lines();
    assert.deepEqual([start!.kind, start!.kind === "trace" && start!.frames], ["trace", "whole"]);
    assert.deepEqual(rest, JSON.parse(JSON.stringify(records)));
    assert.deepEqual(faults, []);
  });

  it("is for its owner's eyes, in a folder that is made for it", async () => {
    await write([record(1)]);
    assert.equal(statSync(path()).mode & 0o077, 0);
  });

  it("goes on where another process ended, and says so", async () => {
    await write([record(1)]);
    await write([record(1)]);
    assert.deepEqual(
      lines().map(({ kind }) => kind),
      ["trace", "event", "trace", "event"],
    );
  });

  it("never takes more room than allowed, and has the latest records", async () => {
    const maxBytes = 4_000;
    for (let n = 1; n <= 200; n++) await write([record(n)], { maxBytes });
    const files = readdirSync(join(folder, "sub")).toSorted();
    assert.deepEqual(files, ["trace.jsonl", "trace.jsonl.1"]);
    const sizes = files.map((name) => statSync(join(folder, "sub", name)).size);
    assert.ok(
      sizes.every((size) => size <= maxBytes / 2),
      String(sizes),
    );
    const last = lines().at(-1);
    assert.equal(last?.kind === "event" && last.n, 200);
  });

  it("drops and counts what comes faster than the disk, instead of filling the memory", async () => {
    const text = "x".repeat(100_000);
    await write(
      (function* () {
        for (let n = 1; n <= 100; n++) yield record(n, text);
      })(),
      { maxBytes: 1e9 },
    );
    const kept = lines().filter(({ kind }) => kind === "event").length;
    assert.ok(kept >= 40 && kept < 60, `${kept} kept`);
    const file = traceFile({
      path: path(),
      maxBytes: 1e9,
      frames: "described",
      onFault: (fault) => faults.push(fault),
    });
    for (let n = 1; n <= 100; n++) file.take(record(n, text));
    while (readFileSync(path(), "utf8").length < 8e6) await new Promise(setImmediate);
    file.take(record(101));
    await file.close();
    const lost = lines().find(({ kind }) => kind === "lost");
    assert.ok(lost?.kind === "lost" && lost.records > 0);
    const written = lines().filter(({ kind }) => kind === "event").length - kept - 1;
    assert.equal(lost.records, 100 - written);
    const last = lines().at(-1);
    assert.equal(last?.kind === "event" && last.n, 101);
  });

  it("says once that it cannot be written, and disturbs nobody", async () => {
    mkdirSync(path(), { recursive: true });
    const file = traceFile({
      path: path(),
      maxBytes: 1e6,
      frames: "described",
      onFault: (fault) => faults.push(fault),
    });
    file.take(record(1));
    while (faults.length === 0) await new Promise(setImmediate);
    file.take(record(2));
    await file.close();
    assert.equal(faults.length, 1);
    assert.match(faults[0]!, /trace\.jsonl ends: EISDIR/);
  });

  it("is read in spite of a line that was cut, and refused when nothing in it is a trace", async () => {
    await write([record(1)]);
    writeFileSync(path(), '{"kind":"frame","n":7,"at"', { flag: "a" });
    assert.deepEqual(lines().at(-1), { kind: "unreadable", line: 3, why: "it is cut off" });
    assert.throws(() => readTrace("# a text\nof something else"), {
      code: "SMP_BAD_INPUT",
      message: /of line 1: it is no JSON/,
    });
    assert.throws(
      () => readTrace('{"kind":"trace","version":9,"at":"2026-01-01T00:00:00Z","frames":"whole"}'),
      /version 9/,
    );
  });
});
