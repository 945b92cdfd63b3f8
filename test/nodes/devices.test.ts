import assert from "node:assert/strict";
import { only, loseRequest } from "../../src/device/faults";
import { commands } from "../../src/index";
import { deviceOf, stateOf } from "./device";
import { pool, RunningFlow, surrounded, tab, watchers, type Msg } from "./flow";

const FIRMWARE = { firmware: "sample:1.5.0", firmwareType: "str" };
const MEDIUM = { firmware: "test/images/hash-only-2.0.0+77.bin", firmwareType: "str" };
const target = (device: string): Msg => ({ topic: device, smp: { pool: "pool", device } });
const named = (...names: string[]): { name: string }[] => names.map((name) => ({ name }));

describe("several devices", () => {
  let flow: RunningFlow;
  afterEach(() => flow.end());

  it("are updated side by side in one node, with one status for all", async () => {
    const bench = pool({ pace: "brisk", devices: named("a", "b", "c") });
    flow = await RunningFlow.load([tab, bench, ...surrounded("upload", "smp-upload", MEDIUM), ...watchers("upload")]);
    const startMs = performance.now();
    for (const device of ["a", "b", "c"]) flow.put("upload", target(device));
    const results = [
      await flow.next("upload result"),
      await flow.next("upload result"),
      await flow.next("upload result"),
    ];
    assert.deepEqual(new Set(results.map(({ topic }) => topic)), new Set(["a", "b", "c"]));
    const started = (device: string): number =>
      flow.all("upload progress").findIndex(({ smp }) => smp.device === device);
    const ended = (device: string): number =>
      flow.all("upload progress").findIndex(({ smp, payload }) => smp.device === device && payload === 100);
    assert.ok(Math.max(...["a", "b", "c"].map(started)) < Math.min(...["a", "b", "c"].map(ended)), "all at a time");
    assert.ok(flow.texts("upload").some((text) => /^3 devices, \d+ %$/.test(text)));
    assert.equal(flow.texts("upload").at(-1), "3 done");
    const seconds = (performance.now() - startMs) / 1000;
    assert.ok(flow.texts("upload").length <= 4 * seconds + 2, "the status does not flicker");
    await flow.until("done three times", () => flow.all("completed").length === 3);
  });

  it("do not disturb each other when one fails", async () => {
    const bench = pool({ devices: named("good", "bad", "fine"), attempts: 1 });
    flow = await RunningFlow.load([tab, bench, ...surrounded("upload", "smp-upload", FIRMWARE)]);
    deviceOf(bench, "bad").faults.add(only(commands.image.upload, (exchange) => exchange.refuse({ group: 1, rc: 1 })));
    for (const device of ["good", "bad", "fine"]) flow.put("upload", target(device));
    const failed = await flow.next("upload error");
    assert.deepEqual([failed["topic"], failed.error.code], ["bad", "SMP_DEVICE"]);
    await flow.next("upload result");
    await flow.next("upload result");
    assert.deepEqual(
      ["good", "bad", "fine"].map((name) => stateOf(deviceOf(bench, name))),
      ["1.0.0 active confirmed, 1.5.0", "1.0.0 active confirmed", "1.0.0 active confirmed, 1.5.0"],
    );
    assert.equal(flow.texts("upload").at(-1), "1 of 3 failed");
  });

  it("are waited for within the pool's limit of sessions", async () => {
    const bench = pool({ devices: named("a", "b", "c", "d"), maxSessions: "1" });
    flow = await RunningFlow.load([tab, bench, ...surrounded("upload", "smp-upload", FIRMWARE)]);
    for (const device of ["a", "b", "c", "d"]) flow.put("upload", target(device));
    for (let count = 0; count < 4; count++) await flow.next("upload result");
    assert.deepEqual(flow.all("upload error"), []);
  });

  it("are shown by the connect node as so many connected", async () => {
    const bench = pool({ devices: named("a", "b") });
    const connect = { pool: "pool", device: "topic", deviceType: "msg" };
    flow = await RunningFlow.load([tab, bench, ...surrounded("connect", "smp-connect", connect)]);
    await flow.ask("connect", { topic: "a" });
    await flow.until("one", () => flow.texts("connect").at(-1) === "connected");
    await flow.ask("connect", { topic: "b" });
    await flow.until("two", () => flow.texts("connect").at(-1) === "2 of 2 connected");
    await flow.ask("connect", { topic: "a", action: "disconnect" });
    await flow.until("one of them", () => flow.texts("connect").at(-1) === "1 of 2 connected");
  });
});

describe("several messages for one device", () => {
  let flow: RunningFlow;
  afterEach(() => flow.end());

  it("are served in the order in which they came", async () => {
    flow = await RunningFlow.load([tab, pool(), ...surrounded("state", "smp-image-state", { firmwareType: "none" })]);
    for (const topic of ["1", "2", "3", "4", "5"]) flow.put("state", { ...target("sensor-1"), topic });
    for (const topic of ["1", "2", "3", "4", "5"]) assert.equal((await flow.next("state result"))["topic"], topic);
  });

  it("show how many are ahead, and those that are too many are refused", async () => {
    const bench = pool({ maxWaiting: "1" });
    flow = await RunningFlow.load([
      tab,
      bench,
      ...surrounded("first", "smp-image-state", { firmwareType: "none" }),
      ...surrounded("second", "smp-image-state", { firmwareType: "none" }),
      ...surrounded("third", "smp-image-state", { firmwareType: "none" }),
    ]);
    const heal = deviceOf(bench).faults.add(only(commands.image.readState, loseRequest));
    flow.put("first", target("sensor-1"));
    flow.put("second", target("sensor-1"));
    await flow.until("a wait", () => flow.texts("second").includes("waiting (1 ahead)"));
    const refused = await flow.ask("third", target("sensor-1"), "third error");
    assert.equal(refused.error.code, "SMP_QUEUE_FULL");
    assert.match(refused.error.message, /1 operations wait/);
    heal();
    flow.put("first", { action: "abort" });
    assert.equal((await flow.next("second result"))["payload"][0].version, "1.0.0");
  });
});
