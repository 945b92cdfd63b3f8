import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FrameRecord } from "../../src/index";
import { readTrace } from "../../src/trace/read";
import { node, pool, probe, RunningFlow, surrounded, tab, watchers, type Msg } from "./flow";

const DEVICES = ["door", "roof"].map((name) => ({ name, trial: "healthy" }));

describe("the trace", () => {
  let flow: RunningFlow;
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "smp-trace-"))));
  afterEach(async () => {
    await flow.end();
    rmSync(folder, { recursive: true, force: true });
  });

  const parts = (settings: object, poolSettings: object = {}) => [
    tab,
    pool({ devices: DEVICES, ...poolSettings }),
    node("trace", "smp-trace", { pool: "pool", ...settings }, [["traced"]]),
    probe("traced"),
    ...surrounded("connect", "smp-connect", { pool: "pool", device: "device", deviceType: "msg" }),
    ...surrounded("state", "smp-image-state", { firmware: "", firmwareType: "none" }),
    ...surrounded("upload", "smp-upload", { firmware: "firmware", firmwareType: "msg" }),
    ...watchers("trace", "pool"),
  ];
  const load = async (settings: object, poolSettings: object = {}): Promise<void> => {
    flow = await RunningFlow.load(parts(settings, poolSettings));
  };
  const connect = (device: string): Promise<Msg> => flow.ask("connect", { device });
  const traced = (): Msg[] => flow.all("traced");

  describe("node", () => {
    it("gives a message for each frame, with what it is and what it answers", async () => {
      await load({});
      await flow.ask("state", await connect("door"));
      await flow.until("six records", () => traced().length >= 5);
      const [open, asked, answered] = traced() as [Msg, Msg, Msg];
      assert.deepEqual([open["payload"].kind, open["payload"].event], ["event", "open"]);
      assert.deepEqual([asked["topic"], asked.smp], ["door", { pool: "pool", device: "door", link: "virtual" }]);
      const [request, answer] = [asked["payload"], answered["payload"]] as [FrameRecord, FrameRecord];
      assert.deepEqual([request.dir, request.command, request.try], ["out", "os.parameters", 1]);
      assert.deepEqual([answer.dir, answer.match, answer.answers], ["in", "answer", request.n]);
      assert.equal((answer.body as { buf_size: number }).buf_size, 2475);
      assert.ok(traced().some(({ payload }) => payload.command === "image.readState"));
      assert.match(flow.texts("trace").at(-1)!, /^\d+ records$/);
    });

    it("gives the frames of one device only", async () => {
      await load({ device: " roof " });
      await connect("door");
      await connect("roof");
      await flow.until("three records", () => traced().length >= 3);
      assert.deepEqual(new Set(traced().map(({ topic }) => topic)), new Set(["roof"]));
    });

    it("drops what comes too fast, counts it, and says how much it was", async () => {
      await load({ maxPerSecond: "2" });
      const connected = await connect("door");
      await flow.until("two records", () => traced().length === 2);
      await flow.until("a count", () => /^2, \d+ dropped$/.test(flow.texts("trace").at(-1)!));
      // Until the next second begins.
      while (traced().length < 3) await flow.ask("state", connected);
      assert.ok(traced()[2]!.smp.missed >= 1);
      assert.equal(traced()[1]!.smp.missed, undefined);
    });

    it("hides the firmware, unless whole frames are asked for", async () => {
      for (const whole of [false, true]) {
        await load({ whole, maxPerSecond: "10000" });
        await flow.ask("upload", { ...(await connect("door")), firmware: "sample:1.5.0" });
        const uploads = traced().map(({ payload }) => payload as FrameRecord);
        const sent = uploads.filter(({ command, dir }) => command === "image.upload" && dir === "out");
        assert.ok(sent.length > 3);
        for (const { hex, bytes } of sent) assert.equal(hex.length === 2 * bytes, whole);
        if (!whole) await flow.end();
      }
    });

    for (const [what, settings, poolSettings, code] of [
      ["no pool", { pool: "" }, {}, "no pool"],
      ["a rate that is none", { maxPerSecond: "0" }, {}, "bad setting"],
      ["a device that is unknown", { device: "cellar" }, {}, "unknown device"],
      ["a pool that is wrong", {}, { slotKiB: 1 }, "bad setting"],
    ] as const) {
      it(`says that there is ${what}`, async () => {
        await load(settings, poolSettings);
        await flow.until("a status", () => flow.texts("trace").includes(code));
      });
    }

    it("goes on after a deploy, each record once", async () => {
      await load({});
      await connect("door");
      await flow.deploy(parts({}));
      const before = traced().length;
      await connect("door");
      await flow.until("new records", () => traced().length >= before + 3);
      const numbers = traced()
        .slice(before)
        .map(({ payload }) => payload.n as number);
      assert.deepEqual(numbers, [...new Set(numbers)]);
    });
  });

  describe("of a pool into a file", () => {
    const file = (): string => join(folder, "deep", "trace.jsonl");

    it("is written while the flow runs, and whole when it stops", async () => {
      await load({}, { trace: "file", traceFile: file() });
      await flow.ask("upload", { ...(await connect("door")), firmware: "sample:1.5.0" });
      await flow.until("a file", () => existsSync(file()));
      await flow.deploy([tab]);
      const lines = readTrace(readFileSync(file(), "utf8"));
      assert.equal(lines[0]!.kind, "trace");
      const frames = lines.filter((line) => line.kind === "frame");
      assert.ok(frames.filter(({ command }) => command === "image.upload").length > 6);
      const end = lines.at(-1)!;
      assert.deepEqual(end.kind === "event" && end.event, "end");
      for (const { command, dir, hex, bytes } of frames)
        if (command === "image.upload" && dir === "out") assert.ok(hex.length < 2 * bytes);
    });

    it("is a warning when it cannot be, and the work goes on", async () => {
      mkdirSync(file(), { recursive: true });
      await load({}, { trace: "file", traceFile: file() });
      const { payload } = await flow.ask("state", await connect("door"));
      assert.equal(payload[0].version, "1.0.0");
    });
  });
});
