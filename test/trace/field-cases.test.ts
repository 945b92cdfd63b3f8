import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConsoleDecoder } from "../../src/framing/console-decoder";
import { image } from "../../src/smp/commands";
import { describeFrame } from "../../src/trace/described-frame";
import type { FrameRecord } from "../../src/trace/record";
import { lineOf } from "../../src/trace/text";
import { recording } from "../device/replay";
import { NEW, SerialBench } from "../serial/bench";
import { imagePath } from "../images";
import { Kept, makeDevice, poolOf, wholeUpdate } from "./bench";

describe("field case 4: every frame can be seen, decoded, to compare one client's packets with another's", () => {
  let bench: SerialBench;
  afterEach(() => bench.close());

  it("in MCUboot's serial recovery, as they are on the wire", async () => {
    const decoder = new ConsoleDecoder();
    const onWire: Uint8Array[] = [];
    bench = await SerialBench.start({
      device: { profile: "mcuboot-recovery", pace: "instant" },
      mix: (line) => (onWire.push(...decoder.take(line)), line),
    });
    const kept = new Kept("whole");
    bench.pool.trace(kept);
    await bench.upload(NEW, { allowRecovery: true });
    const received = kept.traced.filter(({ dir }) => dir === "in");
    assert.deepEqual(
      received.map(({ hex }) => hex),
      onWire.map((frame) => Buffer.from(frame).toString("hex")),
    );

    // Another client's first packet to a real recovery, laid beside ours: one field is what they differ in.
    const foreign = recording("serial-recovery")
      .flatMap(({ request }) => (request === null ? [] : [Buffer.from(request, "hex")]))
      .map((frame) => describeFrame(frame, "described"))
      .find(({ command, body }) => command === image.upload.name && "len" in (body as object))!;
    const [own] = kept.of(image.upload.name, "out");
    const fields = ({ body }: Pick<FrameRecord, "body">): string[] => Object.keys(body as object);
    assert.deepEqual(fields(own!).toSorted(), [...fields(foreign), "sha"].toSorted());
    const line = (record: Omit<FrameRecord, "hex">): string =>
      lineOf({ ...own!, ...record, hex: "" }, 0).replace(/^.*?→/, "→");
    assert.match(line(own!), /^→ image\.upload .* B .*len: \d+, .*data: <\d+ bytes [0-9a-f]{16}>/);
    assert.match(line({ ...own!, ...foreign }), /^→ image\.upload .* B .*len: \d+.*data: <\d+ bytes [0-9a-f]{16}>/);
  }).timeout(20_000);
});

describe("field case 5: a trace can be laid beside the device's own log", () => {
  let folder: string;
  before(() => (folder = mkdtempSync(join(tmpdir(), "smp-beside-"))));
  after(() => rmSync(folder, { recursive: true, force: true }));

  it("by time, with direction, header, decoded body and what each frame answers", async () => {
    const log: string[] = [];
    const device = makeDevice({ log: (line) => void log.push(`${new Date().toISOString()} <inf> ${line}`) });
    const kept = new Kept();
    const pool = poolOf(device);
    pool.trace(kept);
    await wholeUpdate(pool, imagePath("hash-only-1.2.3+4.bin"));
    await pool.close();
    device.close();
    const [traceFile, logFile] = [join(folder, "trace.jsonl"), join(folder, "device.log")];
    writeFileSync(traceFile, kept.records.map((record) => `${JSON.stringify(record)}\n`).join(""));
    writeFileSync(logFile, log.join("\n"));

    const cli = join(__dirname, "../../src/trace/cli.ts");
    const command = ["--require", require.resolve("tsx/cjs"), cli, traceFile, "--log", logFile];
    const { stdout } = spawnSync(process.execPath, command, { encoding: "utf8" });
    const lines = stdout.trimEnd().split("\n");
    assert.equal(lines.length, kept.records.length + log.length);
    const at = (what: RegExp): number => {
      const index = lines.findIndex((line) => what.test(line));
      assert.ok(index >= 0, `${what} in\n${stdout}`);
      return index;
    };
    // The clocks agree within a millisecond or two: what lies further apart stands in its order.
    const story = [
      at(/→ image\.upload .* v2 .*off: 0, .*data: <\d+ bytes/),
      at(/← image\.upload .*answer to #\d+ after [\d.]+ ms {2}\{off: \d+, match: true\}/),
      at(/\| .*boot: /),
      at(/← image\.readState .*version: 1\.2\.3\.4, [^}]*active: true/),
      at(/→ image\.writeState .*confirm: true/),
    ];
    assert.deepEqual(
      story,
      story.toSorted((one, other) => one - other),
    );
  }).timeout(20_000);
});
