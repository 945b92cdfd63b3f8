import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Readable } from "node:stream";
import helper from "node-red-node-test-helper";
import { buildImage } from "../build-image";
import { coreNode, runtimePath, type FlowNode } from "../node-red";
import { heldFiles } from "./held-files";
import { node, pool, RunningFlow, surrounded, tab, type Msg } from "./flow";

const target = { pool: "pool", device: "sensor-1" };
const FILE = "test/images/ed25519-1.5.0.bin";
const bytes = readFileSync(FILE);

function uploadFrom(property: string, more: FlowNode[] = []): FlowNode[] {
  return [
    tab,
    pool(),
    ...surrounded("upload", "smp-upload", { firmware: property, firmwareType: "msg" }),
    ...surrounded("state", "smp-image-state", { firmware: property, firmwareType: "msg" }),
    ...more,
  ];
}

describe("firmware", () => {
  let flow: RunningFlow;
  afterEach(() => flow.end());

  const kinds: { name: string; give: () => unknown; label: RegExp; served: string }[] = [
    { name: "a path", give: () => FILE, label: /ed25519-1\.5\.0\.bin/, served: "file" },
    { name: "a Buffer", give: () => bytes, label: /^msg\.firmware \(a Buffer of 20656 bytes\)$/, served: "memory" },
    {
      name: "a stream",
      give: () => Readable.from([bytes.subarray(0, 99), bytes.subarray(99)]),
      label: /stream/,
      served: "spool",
    },
    { name: "a sample of the package", give: () => "sample:1.5.0", label: /^sample:1\.5\.0$/, served: "file" },
  ];
  for (const { name, give, label, served } of kinds) {
    it(`may be ${name}`, async () => {
      flow = await RunningFlow.load(uploadFrom("firmware"));
      const msg = await flow.ask("upload", { smp: target, firmware: give() });
      assert.equal(msg["payload"].outcome, "uploaded");
      assert.equal(msg.smp.firmware.version, "1.5.0");
      assert.match(msg.smp.firmware.label, label);
      assert.equal(msg["payload"].servedFrom, served);
    });
  }

  it("may lie in any property, and a Buffer there is left alone", async () => {
    flow = await RunningFlow.load(uploadFrom("order.files[0]"));
    const msg = await flow.ask("upload", { smp: target, order: { files: [bytes] } });
    assert.equal(msg["payload"].outcome, "uploaded");
    assert.ok(bytes.equals(msg["order"].files[0]));
    assert.equal(JSON.stringify(msg.smp).length < 2000, true, "the image itself is not in msg.smp");
  });

  it("may have a path relative to Node-RED's fileWorkingDirectory", async () => {
    helper.init(runtimePath, { fileWorkingDirectory: resolve("test/images") });
    flow = await RunningFlow.load(uploadFrom("firmware"));
    helper.init(runtimePath, { fileWorkingDirectory: undefined });
    const msg = await flow.ask("upload", { smp: target, firmware: "ed25519-1.5.0.bin" });
    assert.equal(msg["payload"].outcome, "uploaded");
  });

  it("is closed again, however it ends", async () => {
    flow = await RunningFlow.load(uploadFrom("firmware"));
    await flow.ask("upload", { smp: target, firmware: FILE });
    await flow.ask("upload", { smp: { ...target, device: "sensor-9" }, firmware: FILE }, "upload error");
    await flow.ask("upload", { smp: target, firmware: Readable.from([bytes]) });
    await flow.ask("upload", { smp: target, firmware: Readable.from([Buffer.from("no image")]) }, "upload error");
    await flow.ask("state", { smp: target, firmware: "package.json" }, "state error");
    await flow.ask("state", { smp: target, firmware: FILE });
    await flow.until("everything closed", () => heldFiles().length === 0);
  });

  it("is read before a device is disturbed", async () => {
    flow = await RunningFlow.load([
      ...uploadFrom("firmware"),
      ...surrounded("connect", "smp-connect", { pool: "pool", device: "sensor-1", deviceType: "str" }),
    ]);
    await flow.ask("connect", {});
    await flow.ask("connect", { action: "disconnect" });
    await flow.ask("upload", { smp: target, firmware: Buffer.from("no image") }, "upload error");
    assert.equal(flow.texts("connect").at(-1), "disconnected", "nobody connected for it");
  });
});

describe("firmware in parts", () => {
  let flow: RunningFlow;
  afterEach(() => flow.end());

  const parts = (id: string, count: number, more: Msg = {}): Msg[] =>
    Array.from({ length: count }, (_, index) => ({
      ...more,
      smp: target,
      payload: bytes.subarray((index * bytes.length) / count, ((index + 1) * bytes.length) / count),
      parts: { id, index, type: "buffer", ...(index === count - 1 && { count }) },
    }));

  it("is collected, and one message stands for all", async () => {
    flow = await RunningFlow.load(uploadFrom("payload"));
    for (const part of parts("p", 4, { topic: "line 4" })) flow.put("upload", part);
    const msg = await flow.next("upload result");
    assert.equal(msg["payload"].outcome, "uploaded");
    assert.deepEqual(["parts" in msg, msg["topic"]], [false, "line 4"]);
    assert.equal(flow.all("upload result").length, 1);
    await flow.until("everything closed", () => heldFiles().length === 0);
  });

  it("of two series at a time is not mixed up", async () => {
    flow = await RunningFlow.load([
      tab,
      pool({ devices: [{ name: "sensor-1" }, { name: "sensor-2" }] }),
      ...surrounded("upload", "smp-upload", { firmware: "payload", firmwareType: "msg" }),
    ]);
    const [one, two] = [
      parts("one", 3),
      parts("two", 3, {}).map((msg) => ({ ...msg, smp: { ...target, device: "sensor-2" } })),
    ];
    one.forEach((msg, index) => {
      flow.put("upload", msg);
      flow.put("upload", two[index]!);
    });
    const devices = [await flow.next("upload result"), await flow.next("upload result")].map(({ smp }) => smp.device);
    assert.deepEqual(new Set(devices), new Set(["sensor-1", "sensor-2"]));
  });

  it("out of order is refused once, and the rest of the series dropped", async () => {
    flow = await RunningFlow.load(uploadFrom("payload"));
    const [first, second, third, fourth] = parts("p", 4);
    for (const part of [first!, third!, second!, fourth!]) flow.put("upload", part);
    const msg = await flow.next("upload error");
    assert.equal(msg.error.code, "SMP_BAD_INPUT");
    assert.match(msg.error.message, /part 3 .*msg\.payload came where part 2 was expected/);
    for (const part of parts("again", 4)) flow.put("upload", part);
    await flow.next("upload result");
    assert.equal(flow.all("upload error").length, 1);
    await flow.until("everything closed", () => heldFiles().length === 0);
  });

  it("that begins in the middle is refused", async () => {
    flow = await RunningFlow.load(uploadFrom("payload"));
    const msg = await flow.ask("upload", parts("p", 3)[1]!, "upload error");
    assert.match(msg.error.message, /part 2 .* part 1 was expected/);
  });

  it("can be aborted while it is collected", async () => {
    flow = await RunningFlow.load(uploadFrom("payload"));
    const [first, second, third] = parts("p", 3);
    flow.put("upload", first!);
    flow.put("upload", second!);
    await flow.until("the status", () => flow.texts("upload").includes("collecting parts"));
    flow.put("upload", { action: "abort" });
    assert.equal((await flow.next("upload error")).error.code, "SMP_ABORTED");
    flow.put("upload", third!);
    for (const part of parts("again", 2)) flow.put("upload", part);
    await flow.next("upload result");
    assert.equal(flow.all("upload error").length, 1);
    await flow.until("everything closed", () => heldFiles().length === 0);
  });

  it("that stops coming leaves no file behind after a deploy", async () => {
    flow = await RunningFlow.load(uploadFrom("payload"));
    for (const part of parts("p", 3).slice(0, 2)) flow.put("upload", part);
    await flow.until("a temporary file", () => heldFiles().length === 1);
    await flow.deploy([tab]);
    assert.deepEqual(heldFiles(), []);
  });

  it("is something else than a series with one message for each device", async () => {
    flow = await RunningFlow.load(uploadFrom("payload"));
    const series = { id: "devices", index: 0, count: 2, type: "array" };
    const msg = await flow.ask("upload", { smp: target, payload: bytes, parts: series });
    assert.deepEqual(msg["parts"], series, "kept for a join");
    assert.equal(msg["payload"].outcome, "uploaded");
  });

  describe('from a "file in" node that gives a stream of Buffers', () => {
    const folder = mkdtempSync(join(tmpdir(), "smp-parts-"));
    after(() => rmSync(folder, { recursive: true }));

    // Of the multiple of its parts "file in" sends an empty last message that has nothing but `parts`.
    const files = [
      { name: "of odd size", content: buildImage({ version: "3.0.0", payloadBytes: 150_000 }) },
      { name: "that ends with a full part", content: imageOfSize(2 * 65_536) },
    ];
    for (const { name, content } of files) {
      it(`uploads a file ${name}`, async () => {
        const path = join(folder, "image.bin");
        writeFileSync(path, content);
        const reader = { filename: path, filenameType: "str", format: "stream", allProps: true };
        flow = await RunningFlow.load(
          uploadFrom("payload", [node("file", "file in", reader, [["upload"]])]),
          coreNode("storage/10-file"),
        );
        const msg = await flow.ask("file", { smp: target, order: 7 }, "upload result");
        assert.equal(msg["payload"].sentBytes, statSync(path).size);
        assert.equal(msg["order"], 7);
        assert.deepEqual(flow.all("upload error"), []);
      });
    }

    function imageOfSize(size: number): Buffer {
      const empty = buildImage({ version: "3.0.0", payloadBytes: 0 }).length;
      return buildImage({ version: "3.0.0", payloadBytes: size - empty });
    }
  });
});
