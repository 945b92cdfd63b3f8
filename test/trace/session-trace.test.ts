import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createPool } from "../../src/session/pool";
import { os } from "../../src/smp/commands";
import { decodeMessage, encodeMessage } from "../../src/smp/message";
import type { EventRecord } from "../../src/trace/record";
import type { FrameFacts, Transport } from "../../src/transport/transport";
import { afterParameters, ScriptedLink, zephyr, type Script } from "../session/scripted-link";
import { imagePath } from "../images";
import { Kept, makeDevice, poolOf, tracedUpdate, wholeUpdate } from "./bench";

/** A pool whose one link is scripted. */
function scripted(script: Script) {
  const link = new ScriptedLink(afterParameters(script));
  const transport = { scheme: "s", parse: String, key: String, open: async () => link } as Transport<string>;
  return { link, pool: createPool(transport) };
}

describe("the trace of a pool", () => {
  it("tells each frame with time, direction, device, link, header, decoded body and match", async () => {
    const kept = new Kept();
    const before = Date.now();
    await tracedUpdate(kept);
    const [asked] = kept.of("os.parameters", "out");
    const [answered] = kept.of("os.parameters", "in");
    assert.equal(asked!.device, "sensor-1");
    assert.equal(asked!.link, "virtual:sensor-1");
    assert.deepEqual([asked!.try, asked!.match], [1, undefined]);
    assert.deepEqual(asked!.body, {});
    const { seq } = asked!.header!;
    assert.deepEqual(asked!.header, { op: 0, version: 1, group: 0, id: 6, seq, bodyBytes: asked!.bytes - 8 });
    assert.deepEqual(answered!.header, { op: 1, version: 1, group: 0, id: 6, seq, bodyBytes: answered!.bytes - 8 });
    assert.deepEqual([answered!.match, answered!.answers], ["answer", asked!.n]);
    assert.ok(answered!.roundTripMs! >= 0 && answered!.ms >= asked!.ms);
    assert.ok(Date.parse(asked!.at) >= before && Date.parse(answered!.at) <= Date.now());
    assert.equal((answered!.body as { buf_size: number }).buf_size, 2475);
    assert.deepEqual(decodeMessage(Buffer.from(answered!.hex, "hex")).body, answered!.body, "the hex is the frame");
  });

  it("numbers its records without a gap, and matches every answer of an update with its request", async () => {
    const { records, traced } = await tracedUpdate(new Kept());
    assert.deepEqual(
      records.map(({ n }) => n),
      records.map((_, index) => index + 1),
    );
    const requests = new Map(traced.filter(({ dir }) => dir === "out").map((record) => [record.n, record]));
    const answers = traced.filter(({ dir }) => dir === "in");
    assert.ok(answers.length > 10);
    for (const { match, answers: n, command, header } of answers) {
      const request = requests.get(n!)!;
      assert.deepEqual([match, command, header!.seq], ["answer", request.command, request.header!.seq]);
      requests.delete(n!);
    }
    assert.deepEqual([...requests.values()], [], "no request is without answer");
  });

  it("shows of the firmware how many bytes went, their fingerprint, and the layout around them", async () => {
    const firmware = readFileSync(imagePath("hash-only-1.2.3+4.bin"));
    const uploads = (await tracedUpdate(new Kept())).of("image.upload", "out");
    let off = 0;
    for (const { body, hex } of uploads) {
      const told = body as { off: number; sha?: string; data: { bytes: number; sha256: string } };
      const chunk = firmware.subarray(off, off + told.data.bytes);
      const sha256 = createHash("sha256").update(chunk).digest("hex").slice(0, 16);
      assert.deepEqual([told.off, told.data.sha256], [off, sha256]);
      assert.ok(hex.includes(`${Buffer.from("data").toString("hex")}5`), "the key and the byte string's head");
      assert.ok(hex.includes(`<${chunk.length} bytes>`));
      off += chunk.length;
    }
    assert.equal(off, firmware.length);
    const { sha } = uploads[0]!.body as { sha: string };
    assert.equal(sha, createHash("sha256").update(firmware).digest("hex"), "hashes are shown");
  });

  it("has whole frames when they are asked for, also beside a listener who did not ask", async () => {
    const device = makeDevice();
    const pool = poolOf(device);
    const described = new Kept();
    const whole = new Kept("whole");
    pool.trace(described);
    pool.trace(whole);
    await wholeUpdate(pool, imagePath("hash-only-1.2.3+4.bin"));
    await pool.close();
    device.close();
    assert.deepEqual(
      described.records.map((record) => ({ ...record, hex: "" })),
      whole.records.map((record) => ({ ...record, hex: "" })),
    );
    for (const { hex, bytes } of whole.traced) assert.match(hex, new RegExp(`^([0-9a-f]{2}){${bytes}}$`));
    const sent = whole.of("image.upload", "out").map(({ hex }) => decodeMessage(Buffer.from(hex, "hex")).body["data"]);
    assert.deepEqual(Buffer.concat(sent as Uint8Array[]), readFileSync(imagePath("hash-only-1.2.3+4.bin")));
  });

  it("tells what nobody answers, and whose answer comes late", async () => {
    let first: (() => void) | undefined;
    const { link, pool } = scripted((request) => {
      if (first) return zephyr(request);
      first = () => link.answer(request, { r: "late" });
      return undefined;
    });
    const kept = new Kept();
    pool.trace(kept);
    await pool.use("d", { name: "test" }, async (device) => {
      const session = await device.session();
      await session.request(os.echo, { d: "x" }, { timeoutMs: 20 });
      first!();
      await session.request(os.echo, { d: "y" });
    });
    await pool.close();
    const [one, two] = kept.of("os.echo", "out");
    assert.deepEqual([one!.try, two!.try], [1, 2]);
    const silence = kept.records.find((record): record is EventRecord => "event" in record && "request" in record)!;
    assert.deepEqual([silence.event, silence.request], ["no-answer", one!.n]);
    const late = kept.traced.find(({ match }) => match === "late")!;
    assert.equal(late.answers, one!.n);
    assert.deepEqual(late.body, { r: "late" });
  });

  it("tells of a frame when it leaves, where frames wait for their turn", async () => {
    const { link, pool } = scripted(zephyr);
    const kept = new Kept();
    const send = link.send.bind(link);
    let sentBefore = -1;
    const turn = async (frame: Uint8Array, signal: AbortSignal, facts?: FrameFacts): Promise<void> => {
      await new Promise(setImmediate);
      sentBefore = kept.of("os.echo", "out").length;
      facts?.onLeave?.();
      await send(frame, signal);
    };
    Object.assign(link, { maxSendMs: 60_000, send: turn });
    pool.trace(kept);
    await pool.use("d", { name: "test" }, async (device) => (await device.session()).request(os.echo, { d: "x" }));
    await pool.close();
    assert.equal(sentBefore, 0);
    const [out, answered] = [kept.of("os.echo", "out"), kept.of("os.echo", "in")];
    assert.deepEqual([out.length, answered.map(({ answers }) => answers)], [1, [out[0]!.n]]);
  });

  it("tells strays and garbage from answers", async () => {
    const { link, pool } = scripted((request) => {
      link.answer(request, { r: "foreign" }, { id: 1, group: 64 });
      link.inject(Buffer.from("no frame at all, but some text"));
      return zephyr(request);
    });
    const kept = new Kept();
    pool.trace(kept);
    await pool.use("d", { name: "test" }, async (device) => (await device.session()).request(os.echo, { d: "x" }));
    await pool.close();
    const [stale, malformed, answer] = kept.traced.slice(-3);
    assert.deepEqual([stale!.match, stale!.answers, stale!.command], ["stale", undefined, undefined]);
    assert.deepEqual([malformed!.match, malformed!.bytes], ["malformed", 30]);
    assert.match(malformed!.fault!, /announce a body of/);
    assert.equal(answer!.match, "answer");
  });

  it("tells when a link opens and why it ends", async () => {
    const { link, pool } = scripted(zephyr);
    const kept = new Kept();
    pool.trace(kept);
    await pool.use("d", { name: "test" }, async (device) => {
      const session = await device.session();
      link.lose();
      await session.ended;
    });
    await pool.close();
    const events = kept.records.filter((record) => record.kind === "event");
    assert.deepEqual(
      events.map(({ event, link: label }) => [event, label]),
      [
        ["open", "scripted:device"],
        ["end", "scripted:device"],
      ],
    );
    assert.match(events[0]!.text, /"maxFrameBytes":4096/);
    assert.match(events[1]!.text, /lost its power/);
  });

  it("hides what may be secret: shell lines, settings, and texts of commands that are not known", async () => {
    const { link, pool } = scripted(zephyr);
    const kept = new Kept();
    pool.trace(kept);
    const secret = "correct horse battery staple";
    await pool.use("d", { name: "test" }, async (device) => {
      await device.session();
      const put = (group: number, id: number, body: object): void =>
        link.inject(encodeMessage({ op: 3, version: 1, group, id, seq: 0, body: { ...body } }));
      put(9, 0, { o: secret, ret: 0 });
      put(3, 0, { val: Buffer.from(secret) });
      put(100, 7, { psk: secret, key: Buffer.from(secret), n: 5, rsn: "why", hash: Buffer.from(secret) });
      await (await device.session()).request(os.echo, { d: "x" });
    });
    await pool.close();
    const hidden = { bytes: secret.length };
    assert.deepEqual(
      kept.traced.filter(({ match }) => match === "stale").map(({ body }) => body),
      [
        { o: { chars: secret.length }, ret: 0 },
        { val: hidden },
        { psk: { chars: secret.length }, key: hidden, n: 5, rsn: "why", hash: hidden },
      ],
    );
    const said = JSON.stringify(kept.records);
    assert.ok(!said.includes(secret) && !said.includes(Buffer.from(secret).toString("hex")));
  });

  it("stops for a listener that left, and survives one that throws", async () => {
    const device = makeDevice();
    const pool = poolOf(device);
    const warnings: string[] = [];
    const onWarning = (warning: Error): void => void warnings.push(warning.message);
    process.on("warning", onWarning);
    const kept = new Kept();
    const stop = pool.trace(kept);
    pool.trace({
      frames: "described",
      take: () => {
        throw new Error("full");
      },
    });
    const ask = (): Promise<unknown> =>
      pool.use("sensor-1", { name: "echo" }, async (handle) => (await handle.session()).request(os.echo, { d: "x" }));
    await ask();
    stop();
    const { length } = kept.records;
    await ask();
    assert.equal(kept.of("os.echo", "out").length, 1);
    assert.equal(kept.records.length, length);
    await pool.close();
    device.close();
    await new Promise(setImmediate);
    process.off("warning", onWarning);
    assert.deepEqual(warnings, ["a listener of the trace failed: full"]);
  });

  it("describes nothing while nobody listens", async () => {
    let looked = 0;
    const { link, pool } = scripted(zephyr);
    const facts = Object.defineProperty({}, "mtu", { enumerable: true, get: () => ++looked });
    Object.assign(link, { facts });
    await pool.use("d", { name: "test" }, async (device) => (await device.session()).request(os.echo, { d: "x" }));
    await pool.close();
    assert.equal(looked, 0);
  });
});
