import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { deviceOptions, parseTraceCommand } from "../../src/trace/cli-options";
import type { TraceRecord } from "../../src/trace/record";
import { imagePath } from "../images";
import { Kept, tracedUpdate } from "./bench";

const CLI = join(__dirname, "../../src/trace/cli.ts");

const run = (...args: string[]): ReturnType<typeof runIn> => runIn([], ...args);

/** @param limits options of Node.js */
async function runIn(limits: string[], ...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const child = spawn(process.execPath, [...limits, "--require", require.resolve("tsx/cjs"), CLI, ...args]);
  let [out, err] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
  const [code] = (await once(child, "close")) as [number];
  return { code, out, err };
}

describe("smp-trace", function () {
  this.timeout(60_000);
  let folder: string;
  let file: string;
  let recorded: Kept;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "smp-trace-"));
    recorded = await tracedUpdate(new Kept("whole"));
    file = write("trace.jsonl", recorded.records);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  function write(name: string, records: readonly TraceRecord[]): string {
    const path = join(folder, name);
    writeFileSync(path, records.map((record) => `${JSON.stringify(record)}\n`).join(""));
    return path;
  }

  it("prints a line for each record, with time, direction, command and decoded body", async () => {
    const { code, out, err } = await run(file);
    assert.deepEqual([code, err], [0, ""]);
    const lines = out.trimEnd().split("\n");
    assert.equal(lines.length, recorded.records.length);
    const [asked] = recorded.of("os.parameters", "out");
    const line = lines.find((each) => each.includes("← os.parameters"))!;
    assert.ok(line.startsWith(asked!.at.slice(0, 20)));
    assert.match(
      line,
      / \+0\.\d{6} {2}sensor-1 +← os\.parameters .*answer to #\d+ after [\d.]+ ms {2}\{buf_size: 2475, /,
    );
    assert.match(out, /→ image\.upload .*\{len: \d+, off: 0, sha: [0-9a-f]{16}…, data: <\d+ bytes [0-9a-f]{16}>\}/);
    assert.match(out, /--- end: .*it reboots/);
  });

  it("prints one device's frames, with their bytes", async () => {
    const other = recorded.records.slice(0, 3).map((record) => ({ ...record, device: "other" }));
    const both = write("both.jsonl", [...other, ...recorded.records]);
    const { out } = await run(both, "--device", "other", "--hex");
    assert.doesNotMatch(out, /sensor-1 /);
    assert.match(out, /→ os\.parameters .*\n {4}[0-9a-f]{18}\n/);
  });

  it("writes a capture", async () => {
    const capture = join(folder, "out.pcapng");
    const { code, out } = await run(file, "--pcap", capture);
    assert.equal(code, 0);
    assert.match(out, new RegExp(`^${recorded.traced.length} frames in `));
    assert.equal(readFileSync(capture).readUInt32LE(0), 0x0a0d0d0a);
  });

  it("reads a trace of any size in little memory, as text and as a capture", async () => {
    const times = Math.ceil((32 * 1024 * 1024) / readFileSync(file).length);
    const large = join(folder, "large.jsonl");
    for (let left = times; left > 0; left--) appendFileSync(large, readFileSync(file));
    const frames = times * recorded.traced.length;
    const text = await runIn(["--max-old-space-size=32"], large);
    assert.deepEqual([text.err, text.code], ["", 0]);
    assert.equal(text.out.split(/[→←] /).length - 1, frames);
    const capture = await runIn(["--max-old-space-size=32"], large, "--pcap", join(folder, "large.pcapng"));
    assert.deepEqual([capture.err, capture.code], ["", 0]);
    assert.match(capture.out, new RegExp(`^${frames} frames in `));
  });

  it("prints each line of a trace that is still growing", async () => {
    const command = `cat | "${process.execPath}" --require "${require.resolve("tsx/cjs")}" "${CLI}" /dev/stdin`;
    const child = spawn("sh", ["-c", command], { stdio: ["pipe", "pipe", "inherit"] });
    const out = child.stdout.setEncoding("utf8")[Symbol.asyncIterator]();
    const closed = once(child, "close");
    try {
      for (const record of recorded.records.slice(0, 3)) {
        child.stdin.write(`${JSON.stringify(record)}\n`);
        assert.match((await out.next()).value as string, new RegExp(`^${record.at} [^\\n]*\\n$`));
      }
    } finally {
      child.stdin.end();
    }
    await closed;
  });

  it("replays, and ends with 1 when the answers differ", async () => {
    const same = await run(file, "--replay", "--", "--slot0", imagePath("hash-only-1.0.0.bin"));
    assert.match(same.out, /^\d+ requests, \d+ answers compared, 0 differ\n$/);
    assert.equal(same.code, 0, same.err);
    const other = await run(file, "--replay", "--", "--slot0", imagePath("hash-only-1.2.3+4.bin"));
    assert.match(other.out, /#\d+ image\.readState: recorded .*1\.0\.0.*, answered .*1\.2\.3\.4/);
    assert.equal(other.code, 1);
  });

  it("prints what teaches Wireshark the commands", async () => {
    const { out } = await run("--lua");
    assert.match(out, /\["write 1 1"\] = "image\.upload"/);
    assert.match(out, /udp\.port"\):add\(1337, smp\)/);
  });

  it("says in one line what is wrong, and ends with 2", async () => {
    const raw = (name: string, content: string | Buffer): string => {
      writeFileSync(join(folder, name), content);
      return join(folder, name);
    };
    const count = recorded.records.length;
    const newer = `${JSON.stringify({ kind: "trace", version: 9, at: new Date(), frames: "whole" })}\n`;
    const two = write("two.jsonl", recorded.records.concat({ ...recorded.records[0]!, device: "door" }));
    const described = write("described.jsonl", (await tracedUpdate(new Kept())).records);
    for (const [args, said] of [
      [[join(folder, "none.jsonl")], /cannot be read: ENOENT/],
      [[folder], /cannot be read: EISDIR/],
      [[raw("text.jsonl", "\n\nno trace\n")], /text\.jsonl is no trace .* of line 3: it is no JSON/],
      [
        [raw("newer.jsonl", readFileSync(file, "utf8") + newer)],
        new RegExp(`line ${count + 1} is of version 9, only 1 is known`),
      ],
      [[raw("empty.jsonl", "")], /it is empty/],
      [[raw("trace.jsonl.gz", gzipSync(readFileSync(file)))], /it is compressed; unpack it with gunzip/],
      [[file, "--device", "roof"], /--device roof: .* has records of sensor-1$/m],
      [[two, "--replay"], /--replay needs a --device: .* has records of sensor-1, door$/m],
      [[file, "--pcap", file], /is the trace itself/],
      [[file, "--log", raw("no.log", "hello\n")], /no line of the device's log begins with a time/],
      [[described, "--replay"], /is not whole/],
      [[file, "--pcap", join(folder, "no", "such", "folder")], /--pcap .* cannot be written: ENOENT/],
    ] as const) {
      const { code, err } = await run(...args);
      assert.match(err, said);
      assert.match(err, /^smp-trace: [^\n]+\n$/);
      assert.equal(code, 2);
    }
    assert.ok(!existsSync(join(folder, "no")));
    assert.ok(readFileSync(file, "utf8").startsWith("{"), "the trace is as it was");
  });

  it("shows where a line is no record and why, and says so beside a capture", async () => {
    const lines = readFileSync(file, "utf8").split("\n").slice(0, 3);
    const broken = join(folder, "broken.jsonl");
    const huge = "x".repeat(10_000_000);
    const [wrong, cut] = ['{"kind":"frame","n":"7"}', '{"kind":"frame","n":7,"at'];
    writeFileSync(broken, [lines[0], "garbage", wrong, huge, lines[1], lines[2], cut].join("\n"));
    const said = [
      "line 2 of the file is no record: it is no JSON",
      'line 3 of the file is no record: its "n" is wrong',
    ];
    said.push("line 4 of the file is no record: it is no JSON", "line 7 of the file is no record: it is cut off");
    const { out, code } = await run(broken);
    assert.deepEqual(
      out.split("\n").filter((line) => line.startsWith("---")),
      said.map((each) => `--- ${each}`),
    );
    assert.equal(out.trimEnd().split("\n").length, 7);
    assert.equal(code, 0);
    const capture = await run(broken, "--pcap", join(folder, "broken.pcapng"));
    assert.match(capture.out, /^2 frames in/);
    assert.equal(capture.err, said.map((each) => `smp-trace: ${each}\n`).join(""));
  });

  it("ends quietly when its reader has enough", async () => {
    const child = spawn(process.execPath, ["--require", require.resolve("tsx/cjs"), CLI, file]);
    let err = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
    child.stdout.destroy();
    const [code] = (await once(child, "close")) as [number];
    assert.deepEqual([code, err], [0, ""]);
  });

  for (const [args, message] of [
    [[], /give one trace file, not 0/],
    [["a", "b"], /give one trace file, not 2/],
    [["a", "--log-offset", "soon"], /--log-offset must be a number of seconds, got "soon"/],
    [["a", "--fast"], /Unknown option '--fast'/],
    [["a", "--", "--pace", "real"], /need --replay/],
  ] as const) {
    it(`refuses ${args.join(" ") || "nothing"}`, () => {
      assert.throws(() => parseTraceCommand(args), { code: "SMP_BAD_SETTING", message });
    });
  }

  it("replays against the recorded device's buffers, unless told otherwise", () => {
    const found = deviceOptions([], { size: 512, count: 3 });
    assert.deepEqual([found.bufSize, found.bufCount, found.pace], [512, 3, "instant"]);
    assert.equal(deviceOptions(["--buf-size", "1024"], { size: 512, count: 3 }).bufSize, 1024);
    assert.throws(() => deviceOptions(["--help"], {}), { code: "SMP_BAD_SETTING" });
  });
});
