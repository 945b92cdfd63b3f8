import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import helper from "node-red-node-test-helper";
import { pool, RunningFlow, surrounded, tab, watchers, type Msg } from "./flow";

const IMAGE = "sample:1.5.0";
/** Takes more than half a second at the brisk pace. */
const LARGE = "test/images/hash-only-2.0.0+77.bin";

const firmware = {
  version: "9.0.0",
  hash: "ab".repeat(32),
  fileSha256: "cd".repeat(32),
  sizeBytes: 1234,
  image: 0,
};
const record = (more: Msg = {}): Msg => {
  return { pool: "pool", device: "good", phase: "marked", firmware, at: "2026-01-02T03:04:05.678Z", ...more };
};

describe("an update that was begun and not ended", () => {
  let flow: RunningFlow;
  let folder: string;
  let path: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "smp-jobs-"));
    path = join(folder, "smp-dfu", "jobs.json");
  });
  afterEach(async () => {
    await flow.end();
    helper.settings({});
    rmSync(folder, { recursive: true, force: true });
  });

  async function load(poolSettings: object = {}, userDir = folder): Promise<void> {
    helper.settings({ userDir });
    const devices = [
      { name: "good", trial: "healthy" },
      { name: "bad", trial: "crashing" },
    ];
    const update = { device: "smp.device", deviceType: "msg", firmware: IMAGE, firmwareType: "str", goal: "test" };
    flow = await RunningFlow.load([
      tab,
      pool({ devices, ...poolSettings }),
      ...surrounded("connect", "smp-connect", { pool: "pool", device: "device", deviceType: "msg" }),
      ...surrounded("state", "smp-image-state", { firmwareType: "none" }),
      ...surrounded("upload", "smp-upload", { firmware: "firmware", firmwareType: "msg", window: "1" }),
      ...surrounded("test", "smp-test", { hash: "smp.firmware.hash", hashType: "msg" }),
      ...surrounded("reset", "smp-reset", { waitS: "300" }),
      ...surrounded("confirm", "smp-confirm", { hash: "smp.firmware.hash", hashType: "msg" }),
      ...surrounded("update", "smp-update", update),
      ...watchers("pool"),
    ]);
  }

  function recordedBefore(...jobs: Msg[]): void {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, JSON.stringify({ format: 1, jobs }));
  }

  const connected = (device = "good"): Promise<Msg> => flow.ask("connect", { device });
  const states = async (device = "good"): Promise<Msg> => flow.ask("state", await connected(device));
  const jobs = (): Msg[] => JSON.parse(readFileSync(path, "utf8")).jobs;

  /** What stands in the file is that, as soon as it is written. */
  async function recorded(...phases: string[]): Promise<void> {
    const read = (): string => {
      try {
        return jobs()
          .map(({ phase }) => phase)
          .join();
      } catch {
        return "no file";
      }
    };
    await flow.until(`"${phases.join()}" in the file`, () => read() === phases.join());
  }

  it("is told by connect and image state in each phase, and over once it is confirmed", async () => {
    await load();
    const first = await connected();
    assert.equal("unfinished" in first.smp, false);
    const phases = [];
    const expected = { upload: "uploaded", test: "marked", reset: "trial" };
    let msg = { ...first, firmware: IMAGE } as Msg;
    for (const [step, phase] of Object.entries(expected)) {
      msg = await flow.ask(step, msg);
      assert.equal("unfinished" in msg.smp, false, `what ${step} did is news to nobody`);
      await recorded(phase);
      const { unfinished } = (await connected()).smp;
      assert.deepEqual((await states()).smp.unfinished, unfinished);
      const { label: _, ...described } = msg.smp.firmware;
      assert.deepEqual(unfinished.firmware, described);
      assert.ok(Math.abs(Date.parse(unfinished.at) - Date.now()) < 60_000);
      phases.push(unfinished.phase);
    }
    assert.deepEqual(phases, Object.values(expected));
    await flow.ask("confirm", { ...msg, smp: { ...msg.smp, unfinished: { phase: "trial" } } });
    assert.equal("unfinished" in flow.all("confirm result")[0]!.smp, false, "the message does not go on saying so");
    await recorded();
    assert.equal("unfinished" in (await connected()).smp, false);
  });

  it("is told while only a part of the image was sent, which no state shows", async () => {
    await load({ pace: "brisk" });
    flow.put("upload", { ...(await connected()), firmware: LARGE });
    await flow.until("progress", () => (flow.all("upload progress").at(-1)?.["payload"] ?? 0) > 0);
    flow.put("upload", { action: "abort" });
    await flow.next("upload error");
    await recorded("uploading");
    const { phase, firmware: sent } = (await states()).smp.unfinished;
    assert.deepEqual([phase, sent.version], ["uploading", "2.0.0+77"]);
    assert.doesNotMatch(readFileSync(path, "utf8"), /hash-only/, "neither paths nor names of files");
  });

  it("is on the disk once the pool is closed", async () => {
    await load();
    await flow.ask("upload", { ...(await connected()), firmware: IMAGE });
    await flow.deploy([tab]);
    assert.deepEqual(
      jobs().map(({ device, phase }) => [device, phase]),
      [["good", "uploaded"]],
    );
  });

  it("is known from before a restart", async () => {
    recordedBefore(record({ phase: "uploading" }));
    await load();
    const { phase, at } = (await connected()).smp.unfinished;
    assert.deepEqual([phase, at], ["uploading", record()["at"]]);
    assert.equal("unfinished" in (await connected("bad")).smp, false);
  });

  it("is dropped when the device shows nothing of it", async () => {
    recordedBefore(record());
    await load();
    const before = await connected();
    assert.deepEqual(before.smp.unfinished.firmware, firmware);
    const state = await flow.ask("state", before);
    assert.equal("unfinished" in state.smp, false);
    await recorded();
  });

  it("is over when the trial was reverted", async () => {
    await load();
    let msg = await flow.ask("upload", { ...(await connected("bad")), firmware: IMAGE });
    msg = await flow.ask("test", msg);
    await recorded("marked");
    const failed = await flow.ask("reset", msg, "reset error");
    assert.equal(failed.error.code, "SMP_REVERTED");
    await recorded();
  });

  it("of the update node is told in the same way, until another update ends it", async () => {
    await load();
    const left = await flow.ask("update", await connected());
    assert.equal(left.smp.verdict, "testing");
    await recorded("trial");
    const state = await states();
    assert.deepEqual([state.smp.unfinished.phase, state.smp.unfinished.firmware.version], ["trial", "1.5.0"]);
    await flow.ask("confirm", { ...state, smp: { ...state.smp, firmware: state.smp.unfinished.firmware } });
    await recorded();
    const failed = await flow.ask("update", await connected("bad"), "update error");
    assert.equal(failed.smp.verdict, "reverted");
    await recorded();
  });

  it("of a compressed image is ended by its hash, though the device shows that of the image as installed", async () => {
    await load();
    const { smp } = await flow.ask("update", await connected());
    const compressed = { ...firmware, installedHash: smp.images[0].hash };
    const named = { ...smp, firmware: { hash: firmware.hash, image: 0 } };
    assert.equal((await flow.ask("confirm", { smp: named }, "confirm error")).error.code, "SMP_WRONG_IMAGE");
    const ended = await flow.ask("confirm", {
      smp: { ...named, unfinished: { phase: "trial", firmware: compressed } },
    });
    assert.equal(ended.smp.verdict, "confirmed");
  });

  it("is one of a thousand at most", async () => {
    recordedBefore(...Array.from({ length: 1000 }, (_, index) => record({ device: `far-${index}` })));
    await load();
    await flow.ask("upload", { ...(await connected()), firmware: IMAGE });
    await flow.until("the new record", () => jobs().at(-1)!["phase"] === "uploaded");
    assert.deepEqual([jobs().length, jobs()[0]!["device"], jobs().at(-1)!["device"]], [1000, "far-1", "good"]);
  });

  for (const [what, text] of Object.entries({
    "is no JSON": '{"format":1,"jobs":[',
    "is of another version": '{"format":2,"jobs":[]}',
  })) {
    it(`is forgotten with one warning when the file ${what}, and nothing else happens`, async () => {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
      await load();
      const warnings = warningsOf("pool");
      await flow.ask("upload", { ...(await connected()), firmware: IMAGE });
      await recorded("uploaded");
      assert.deepEqual(warnings.length, 1);
      assert.match(warnings[0]!, /unfinished updates of before cannot be read from .*jobs\.json/);
    });
  }

  it("passes over records that are none", async () => {
    recordedBefore({ pool: "pool" }, record({ phase: "dancing" }), record({ firmware: null }), record());
    await load();
    assert.equal((await connected()).smp.unfinished.phase, "marked");
  });

  it("is kept in memory with one warning where nothing can be written", async () => {
    const file = join(folder, "file");
    writeFileSync(file, "");
    await load({}, file);
    const warnings = warningsOf("pool");
    const msg = await flow.ask("upload", { ...(await connected()), firmware: IMAGE });
    await flow.ask("test", msg);
    assert.equal((await states()).smp.unfinished.phase, "marked");
    await flow.until("a warning", () => warnings.length > 0);
    assert.deepEqual(warnings.length, 1);
    assert.match(warnings[0]!, /jobs\.json/);
  });

  function warningsOf(id: string): string[] {
    const warnings: string[] = [];
    const node = helper.getNode(id) as unknown as { warn(text: string): void };
    node.warn = (text) => warnings.push(text);
    return warnings;
  }
});
