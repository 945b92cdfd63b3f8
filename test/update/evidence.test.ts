/** What a result says besides the verdict, field by field, and that each verdict can come out of an update. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loseRequest, neverComeBack, nth, only } from "../../src/device/faults";
import type { SmpErrorCode } from "../../src/errors";
import { inspectFirmware } from "../../src/image/inspect";
import { openFirmware } from "../../src/image/source";
import { image } from "../../src/smp/commands";
import type { UpdateOptions, UpdateResult } from "../../src/update/run-types";
import type { UpdateVerdict } from "../../src/update/types";
import { buildImage, hashOf } from "../build-image";
import { A, B, C, SMALL, SMALL_FILE, useBench, type Bench, type BenchOptions } from "./bench";
import { flags, read } from "./lifecycle";
import { partsOf } from "./parts";

const OLD_ONLY = ["0 1.0.0 active confirmed"];
const NEW = ["0 1.1.0 active confirmed", "1 1.0.0"];
const sha256 = (file: Buffer): string => createHash("sha256").update(file).digest("hex");

describe("the evidence of an update", () => {
  const newBench = useBench();
  const folder = mkdtempSync(join(tmpdir(), "smp-evidence-"));
  after(() => rmSync(folder, { recursive: true, force: true }));

  /** From a file, with a request that is lost, a swap of 30 s and a gate that takes 5 s. */
  async function eventful(bench: Bench): Promise<UpdateResult> {
    const file = join(folder, "app.bin");
    writeFileSync(file, SMALL_FILE);
    bench.device.faults.add(only(image.upload, nth(4, loseRequest)));
    const source = await openFirmware(file);
    const ask = async (): Promise<boolean> => new Promise((resolve) => setTimeout(() => resolve(true), 5_000));
    const result = await bench.update({
      parts: [{ image: 0, source, info: await inspectFirmware(source) }],
      gate: { ask },
    });
    await source.close();
    return result;
  }

  it("holds each of its fields", async () => {
    const bench = newBench({ ...SMALL, pace: { bootMs: 30_000, linkBytesPerSecond: 1_000 } });
    const startMs = Date.now();
    const result = await eventful(bench);
    const { evidence } = result;
    assert.deepEqual([result.device, result.ok, result.verdict], ["sensor-1", true, "confirmed"]);
    assert.match(result.because, /1\.1\.0 runs and is confirmed/);
    assert.deepEqual(Object.keys(result), ["device", "ok", "verdict", "because", "plan", "evidence"]);

    assert.deepEqual([flags(evidence.before), flags(evidence.after)], [OLD_ONLY, NEW]);
    assert.deepEqual(evidence.after, await read(bench));
    assert.ok(Math.abs(Date.parse(evidence.startedAt) - startMs) < 600_000, evidence.startedAt);

    const [sent, ...more] = evidence.images;
    assert.deepEqual(more, []);
    const { sentBytes, uploadMs, ...facts } = sent!;
    assert.deepEqual(facts, {
      image: 0,
      version: "1.1.0",
      hash: hashOf(SMALL_FILE).toString("hex"),
      fileSha256: sha256(SMALL_FILE),
      sizeBytes: SMALL_FILE.length,
      outcome: "uploaded",
      servedFrom: "file",
      resumedFromBytes: 0,
      startedOver: 0,
      retries: 1,
    });
    assert.ok(sentBytes > SMALL_FILE.length, `what was lost is counted as sent: ${sentBytes}`);
    assert.ok(uploadMs >= 2_000, `2 KB at 1 KB/s in ${uploadMs} ms`);

    assert.ok(evidence.swapMs! >= 30_000 && evidence.swapMs! < 60_000, String(evidence.swapMs));
    assert.deepEqual(evidence.gate, { answer: "passed", waitedMs: 5_000 });
    assert.deepEqual(
      evidence.steps.map(({ step, image: number }) => [step, number]),
      [
        ["upload", 0],
        ["test", 0],
        ["reset", undefined],
        ["verify", undefined],
        ["gate", undefined],
        ["confirm", 0],
      ],
    );
    const took = Object.fromEntries(evidence.steps.map(({ step, tookMs }) => [step, tookMs]));
    assert.ok(took["upload"]! >= uploadMs && took["reset"]! >= evidence.swapMs! && took["gate"] === 5_000);
    const sum = evidence.steps.reduce((total, { tookMs }) => total + tookMs, 0);
    assert.ok(evidence.elapsedMs >= sum, `${evidence.elapsedMs} ms in all, the steps took ${sum}`);

    const known = "before after startedAt elapsedMs images swapMs gate steps";
    assert.deepEqual(Object.keys(evidence).toSorted(), known.split(" ").toSorted(), "each field is asserted here");
  });

  it("says how much of an earlier upload was taken up again", async () => {
    const bench = newBench(SMALL);
    const stop = only(image.upload, (exchange) => {
      if (Number(exchange.body["off"]) > 1_000) exchange.lose();
    });
    const heal = bench.device.faults.add(stop);
    const broken = await bench.update({ parts: await partsOf(SMALL_FILE) });
    assert.deepEqual([broken.verdict, broken.evidence.steps.map(({ step }) => step)], ["failed", ["upload"]]);
    assert.ok(broken.error!.off! > 0, "where it stopped");
    heal();
    const [sent] = (await bench.update({ parts: await partsOf(SMALL_FILE) })).evidence.images;
    assert.equal(sent!.resumedFromBytes, broken.error!.off);
  });
});

interface Row {
  readonly verdict: UpdateVerdict;
  readonly device?: BenchOptions;
  readonly prepare?: (bench: Bench) => void;
  readonly file?: Buffer;
  readonly options?: Omit<UpdateOptions, "parts">;
  /** Of what is no success. */
  readonly code?: SmpErrorCode;
  /** The whole reason. */
  readonly because: RegExp;
  readonly after: readonly string[];
}

const B_SPARE = ["0 1.0.0 active confirmed", "1 1.2.3+4"];
const B_NEW = ["0 1.2.3+4 active confirmed", "1 1.0.0"];
const B_TRIAL = ["0 1.2.3+4 active", "1 1.0.0 confirmed"];
const B_PENDING = ["0 1.0.0 active confirmed", "1 1.2.3+4 pending"];

/** "not-started" is of lists alone, see the test of fleets. */
const ROWS: Record<Exclude<UpdateVerdict, "not-started">, Omit<Row, "verdict">> = {
  confirmed: { because: /^1\.2\.3\+4 runs and is confirmed$/, after: B_NEW },
  testing: {
    options: { policy: { goal: "test" } },
    because: /^1\.2\.3\+4 on trial; unless it is confirmed, a reset reverts it$/,
    after: B_TRIAL,
  },
  uploaded: { options: { policy: { goal: "upload" } }, because: /1\.2\.3\+4 is uploaded$/, after: B_SPARE },
  reverted: {
    device: { trial: "crashing" },
    code: "SMP_REVERTED",
    because: /1\.0\.0 runs again and 1\.2\.3\+4 lies in slot 1 unmarked: it was tried/,
    after: B_SPARE,
  },
  "rejected-by-bootloader": {
    device: { acceptsImage: ({ version }) => version.minor !== 2 },
    code: "SMP_REJECTED_BY_BOOTLOADER",
    because: /1\.2\.3\+4 is gone: the bootloader did not accept it/,
    after: OLD_ONLY,
  },
  "not-swapped": {
    device: { cannotSwap: true },
    code: "SMP_NOT_SWAPPED",
    because: /1\.2\.3\+4 is still pending.*; the next reset installs slot 1: 1\.2\.3\+4 /,
    after: B_PENDING,
  },
  "already-current": { file: A, because: /1\.0\.0 is not sent: it runs and is confirmed/, after: OLD_ONLY },
  "refused-downgrade": {
    device: { slot0: C },
    options: { policy: { versions: "not-older" } },
    code: "SMP_NOT_NEWER",
    because: /1\.2\.3\+4 is older than what runs \(2\.0\.0\+77\)/,
    after: ["0 2.0.0+77 active confirmed"],
  },
  "unreachable-after-reset": {
    prepare: ({ device }) => void device.faults.addBoot(neverComeBack),
    options: { waitMs: 20_000 },
    code: "SMP_UNREACHABLE_AFTER_RESET",
    because: /did not come back within 20 s after the reset; 1\.2\.3\+4 was to be installed$/,
    after: B_PENDING,
  },
  failed: {
    file: buildImage({ version: "2.0.0", payloadBytes: 140_000 }),
    code: "SMP_IMAGE_TOO_LARGE",
    because: /too many/,
    after: OLD_ONLY,
  },
};

describe("the verdict of an update", () => {
  const newBench = useBench();
  for (const [verdict, row] of Object.entries(ROWS)) {
    it(`can be ${verdict}, with the reason, the error and the state`, async () => {
      const bench = newBench(row.device);
      row.prepare?.(bench);
      const result = await bench.update({ parts: await partsOf(row.file ?? B), ...row.options });
      assert.deepEqual([result.verdict, result.error?.code, result.ok], [verdict, row.code, row.code === undefined]);
      assert.match(result.because, row.because);
      assert.deepEqual(flags(result.evidence.after), row.after);
      if (row.code !== undefined) assert.ok(result.error!.hint.length > 10 && result.error!.device === "sensor-1");
    });
  }
});
