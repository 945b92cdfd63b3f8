/** Each field of each kind of line, with its value: what is compared are whole lines, so that none is missing and none too much. */
import FakeTimers from "@sinonjs/fake-timers";
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createPool } from "../../src/session/pool";
import { image, os } from "../../src/smp/commands";
import type { Message } from "../../src/smp/message";
import { traceFile } from "../../src/trace/file";
import { readTrace } from "../../src/trace/read";
import type { Transport } from "../../src/transport/transport";
import { afterParameters, isEcho, ScriptedLink } from "../session/scripted-link";

const START = Date.UTC(2026, 0, 31, 10, 0, 0);

describe("the fields of a trace file's lines", () => {
  let folder: string;
  let clock: FakeTimers.Clock & { uninstall(): void };
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "smp-fields-"));
    clock = FakeTimers.install({
      now: START,
      toFake: ["Date", "performance", "setTimeout", "clearTimeout", "setImmediate", "clearImmediate"],
    });
  });
  afterEach(() => {
    clock.uninstall();
    rmSync(folder, { recursive: true, force: true });
  });

  it("are these, of frames that are sent, tried again, answered, late, stale and malformed, and of events", async () => {
    const requests: Message[] = [];
    const sentMs: number[] = [];
    const link = new ScriptedLink(
      afterParameters((request) => {
        requests.push(request);
        sentMs.push(clock.Date.now() - START);
        if (!isEcho(request)) return { off: 3 };
        if (requests.length === 1) return undefined;
        clock.setTimeout(() => link.answer(requests[0]!, { r: "a" }), 7);
        clock.setTimeout(() => link.answer(request, { r: "a" }, { group: 64 }), 8);
        clock.setTimeout(() => link.inject(Buffer.from("0300", "hex")), 9);
        clock.setTimeout(() => link.answer(request, { r: "a" }), 10.25);
        return undefined;
      }),
    );
    link.maxFrameBytes = 512;
    const transport = { scheme: "s", parse: String, key: String, open: async () => link } as Transport<string>;
    const pool = createPool(transport);
    const path = join(folder, "trace.jsonl");
    const file = traceFile({ path, maxBytes: 1e6, frames: "described", onFault: assert.fail });
    pool.trace(file);

    const work = pool.use("door", { name: "test" }, async (device) => {
      const session = await device.session();
      await session.request(os.echo, { d: "a" }, { timeoutMs: 100 });
      await session.request(image.upload, { off: 0, len: 3, data: Buffer.from("fw!") });
      link.lose();
      await session.ended;
    });
    await Promise.all([work, clock.tickAsync(60_000)]);
    await Promise.all([pool.close(), clock.tickAsync(1_000)]);
    await file.close();

    const [first, second, upload] = requests as [Message, Message, Message];
    const [firstMs, secondMs, uploadMs] = sentMs as [number, number, number];
    const at = (ms: number): object => ({
      at: new Date(START + ms).toISOString(),
      ms,
      device: "door",
      link: link.label,
    });
    const header = (request: Message, op: number, bodyBytes: number): object => {
      const { version, group, id, seq } = request;
      return { op, version, group, id, seq, bodyBytes };
    };
    const hex = (request: Message, head: string, body: string): string =>
      `${head}${Buffer.of(request.seq, request.id).toString("hex")}${body}`;
    const frame = (n: number, ms: number, more: object): object => ({ kind: "frame", n, ...at(ms), ...more });
    const asked = { dir: "out", bytes: 13, command: "os.echo", body: { d: "a" } };
    const said = { dir: "in", bytes: 13, command: "os.echo", body: { r: "a" } };
    const stranger = { dir: "in", bytes: 13, body: { r: { chars: 1 } }, match: "stale" };
    const chunk = { bytes: 3, sha256: createHash("sha256").update("fw!").digest("hex").slice(0, 16) };
    const askHex = (request: Message): string => hex(request, "0a0000050000", "a161646161");
    const sayHex = (request: Message): string => hex(request, "0b0000050000", "a161726161");
    const lines = readFileSync(path, "utf8").trimEnd().split("\n");
    const [begin, open, , , ...rest] = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    const silence = rest.find(({ event }) => event === "no-answer")!;
    const { at: beganAt, ...beginning } = begin!;
    assert.deepEqual(beginning, { kind: "trace", version: 1, frames: "described" });
    assert.equal(new Date(String(beganAt)).toISOString(), beganAt);
    const opened = 'the link is open: {"maxFrameBytes":512}';
    assert.deepEqual(open, { kind: "event", n: 1, ...at(0), event: "open", text: opened });
    const lateMs = secondMs + 7;
    assert.deepEqual(rest, [
      frame(4, firstMs, { ...asked, header: header(first, 2, 5), try: 1, hex: askHex(first) }),
      { kind: "event", n: 5, ...at(firstMs + 100), event: "no-answer", request: 4, text: silence["text"] },
      frame(6, secondMs, { ...asked, header: header(second, 2, 5), try: 2, hex: askHex(second) }),
      frame(7, lateMs, {
        ...said,
        header: header(first, 3, 5),
        hex: sayHex(first),
        match: "late",
        answers: 4,
        roundTripMs: lateMs - firstMs,
      }),
      frame(8, secondMs + 8, {
        ...stranger,
        header: { ...header(second, 3, 5), group: 64 },
        hex: hex(second, "0b0000050040", "…"),
      }),
      frame(9, secondMs + 9, {
        dir: "in",
        bytes: 2,
        fault: "frame of 2 bytes is shorter than the 8-byte SMP header",
        hex: "0300",
        match: "malformed",
      }),
      frame(10, secondMs + 10, {
        ...said,
        header: header(second, 3, 5),
        hex: sayHex(second),
        match: "answer",
        answers: 6,
        roundTripMs: 10,
      }),
      frame(11, uploadMs, {
        dir: "out",
        bytes: 28,
        command: "image.upload",
        header: header(upload, 2, 20),
        body: { off: 0, len: 3, data: chunk },
        try: 1,
        hex: hex(upload, "0a0000140001", "…"),
      }),
      frame(12, uploadMs, {
        dir: "in",
        bytes: 14,
        command: "image.upload",
        header: header(upload, 3, 6),
        body: { off: 3 },
        hex: hex(upload, "0b0000060001", "a1636f666603"),
        match: "answer",
        answers: 11,
        roundTripMs: 0,
      }),
      { kind: "event", n: 13, ...at(uploadMs), event: "end", text: "scripted:device lost its power" },
    ]);
    assert.match(String(silence["text"]), /^the answer to os\.echo from scripted:device .* did not come within 100 ms/);
    assert.equal(readTrace(lines.join("\n")).filter(({ kind }) => kind === "unreadable").length, 0);
  });
});
