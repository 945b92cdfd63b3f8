import assert from "node:assert/strict";
import { node, pool, probe, RunningFlow, surrounded, tab, type Msg } from "./flow";

/** The six nodes in a row, with their errors in one probe. */
function wholeUpdate(): ReturnType<typeof node>[] {
  return [
    tab,
    pool({ devices: [{ name: "sensor-1", trial: "healthy" }] }),
    node("connect", "smp-connect", { pool: "pool", device: "sensor-1", deviceType: "str" }, [["state"], ["errors"]]),
    node("state", "smp-image-state", { firmware: "firmware", firmwareType: "msg", image: "0", imageType: "num" }, [
      ["upload"],
      ["up to date"],
      ["errors"],
    ]),
    node("upload", "smp-upload", { firmware: "firmware", firmwareType: "msg", image: "0", imageType: "num" }, [
      ["test"],
      ["progress"],
      ["errors"],
    ]),
    node("test", "smp-test", { hash: "smp.firmware.hash", hashType: "msg", image: "0", imageType: "num" }, [
      ["reset"],
      ["errors"],
    ]),
    node("reset", "smp-reset", { waitS: "300" }, [["confirm"], ["progress"], ["errors"]]),
    node("confirm", "smp-confirm", { hash: "smp.firmware.hash", hashType: "msg" }, [["end"], ["errors"]]),
    ...["end", "errors", "progress", "up to date"].map(probe),
  ];
}

const order: Msg = { _msgid: "m-1", topic: "line 4", firmware: "sample:1.5.0", order: { id: 7, by: ["a"] } };

describe("the six nodes in a row", () => {
  let flow: RunningFlow;

  beforeEach(async () => {
    flow = await RunningFlow.load(wholeUpdate());
  });
  afterEach(() => flow.end());

  it("update a device and end with the new version confirmed", async () => {
    const end = await flow.ask("connect", { ...order }, "end");
    const [running, former] = end["payload"];
    assert.equal(running.version, "1.5.0");
    assert.ok(running.active && running.confirmed, "the new image runs for good");
    assert.deepEqual([former.version, former.active, former.pending], ["1.0.0", false, false]);
    assert.equal(running.hash, end.smp.firmware.hash);
    assert.equal(end.smp.verdict, "confirmed");
    assert.deepEqual(end.smp.images, end["payload"]);
    assert.equal(typeof end.smp.reset.absentMs, "number");
    assert.deepEqual(flow.all("errors"), []);
  });

  it("keep the message that they enrich", async () => {
    const end = await flow.ask("connect", structuredClone(order), "end");
    const { payload: _, smp, ...rest } = end;
    assert.deepEqual(rest, order);
    assert.deepEqual([smp.pool, smp.device, smp.link], ["pool", "sensor-1", "virtual"]);
    assert.doesNotThrow(() => structuredClone(smp), "msg.smp is plain data");
  });

  it("take the other way out when the device is up to date", async () => {
    await flow.ask("connect", { ...order }, "end");
    const again = await flow.ask("connect", { ...order }, "up to date");
    assert.equal(again.smp.verdict, "already-current");
    assert.equal(again.smp.firmware.version, "1.5.0");
    assert.equal(flow.all("end").length, 1, "nothing is uploaded again");
    assert.equal(flow.texts("state").at(-1), "up to date");
  });

  it("tell progress in fresh small messages that rise to 100", async () => {
    await flow.ask("connect", { ...order }, "end");
    const progress = flow.all("progress");
    const upload = progress.filter((msg) => "off" in msg.smp);
    const reset = progress.filter((msg) => "elapsedMs" in msg.smp);
    for (const series of [upload, reset]) {
      const percents = series.map((msg) => msg["payload"] as number);
      assert.ok(
        percents.every((each) => Number.isInteger(each) && each >= 0),
        String(percents),
      );
      assert.deepEqual(
        percents,
        percents.toSorted((a, b) => a - b),
        "never back",
      );
      assert.equal(percents.at(-1), 100);
    }
    assert.equal(new Set(progress).size, progress.length, "no message is sent twice");
    for (const msg of progress) assert.deepEqual(Object.keys(msg).toSorted(), ["_msgid", "payload", "smp", "topic"]);
    assert.ok(upload.every(({ smp }) => smp.device === "sensor-1" && smp.len > 0));
  });

  it("say under each node how it went", async () => {
    await flow.ask("connect", { ...order }, "end");
    const last = (id: string): string | undefined => flow.texts(id).at(-1);
    assert.deepEqual(["connect", "state", "upload", "test", "reset", "confirm"].map(last), [
      "connected",
      "1.0.0 runs",
      "uploaded",
      "trial selected",
      "on trial",
      "confirmed",
    ]);
  });
});

describe("a single node", () => {
  let flow: RunningFlow;
  afterEach(() => flow.end());

  it("connect tells what the link and the device can take", async () => {
    flow = await RunningFlow.load([
      tab,
      pool({ bufSize: "1024", bufCount: 3 }),
      ...surrounded("connect", "smp-connect", { pool: "pool", device: "sensor-1", deviceType: "str" }),
    ]);
    const { payload } = await flow.ask("connect", {});
    assert.deepEqual(payload, { device: "sensor-1", link: "virtual", maxFrameBytes: 1024, bufSize: 1024, bufCount: 3 });
  });

  it("image state lists the images when no firmware is wanted", async () => {
    flow = await RunningFlow.load([
      tab,
      pool(),
      ...surrounded("state", "smp-image-state", { firmware: "firmware", firmwareType: "msg" }),
    ]);
    const msg = await flow.ask("state", { smp: { pool: "pool", device: "sensor-1" } });
    assert.equal(msg["payload"][0].version, "1.0.0");
    assert.equal("firmware" in msg.smp, false);
  });

  it("upload tells what it did, without images and firmware twice", async () => {
    flow = await RunningFlow.load([
      tab,
      pool(),
      ...surrounded("upload", "smp-upload", { firmware: "sample:1.5.0", firmwareType: "str" }),
    ]);
    const msg = await flow.ask("upload", { smp: { pool: "pool", device: "sensor-1" } });
    assert.equal(msg["payload"].outcome, "uploaded");
    assert.equal(msg["payload"].sentBytes, msg.smp.firmware.sizeBytes);
    assert.deepEqual(["images" in msg["payload"], "firmware" in msg["payload"]], [false, false]);
    assert.ok(msg.smp.images.some((slot: Msg) => slot["version"] === "1.5.0"));

    const again = await flow.ask("upload", { smp: { pool: "pool", device: "sensor-1" } });
    assert.equal(again["payload"].outcome, "already-in-slot");
    assert.equal(flow.all("upload progress").at(-1)!["payload"], 100);
  });

  it("reset does not wait when it is told so", async () => {
    flow = await RunningFlow.load([tab, pool(), ...surrounded("reset", "smp-reset", { waitS: "0" })]);
    const msg = await flow.ask("reset", { smp: { pool: "pool", device: "sensor-1", verdict: "testing" } });
    assert.equal(msg.smp.verdict, undefined, "nobody looked");
    assert.deepEqual(msg["payload"], []);
  });

  it("confirm confirms whatever runs only when that was chosen", async () => {
    const target = { smp: { pool: "pool", device: "sensor-1" } };
    flow = await RunningFlow.load([
      tab,
      pool(),
      ...surrounded("any", "smp-confirm", { hash: "", hashType: "none" }),
      ...surrounded("wanted", "smp-confirm", { hash: "smp.firmware.hash", hashType: "msg" }),
    ]);
    const any = await flow.ask("any", structuredClone(target));
    assert.ok(any["payload"][0].confirmed);
    const wanted = await flow.ask("wanted", structuredClone(target), "wanted error");
    assert.equal(wanted.error.code, "SMP_BAD_INPUT");
    assert.match(wanted.error.message, /^hash must be .*, got nothing \(msg\.smp\.firmware\.hash\)$/);
  });
});
