import assert from "node:assert/strict";
import { BleWorld, PassiveServer, until } from "../transport/ble-fixture";
import { pool, probe, node, RunningFlow, surrounded, tab, watchers } from "./flow";

const DEVICES = ["door-1", "door-2", "roof"].map((name) => ({ name, trial: "healthy" }));

describe("the discover node", () => {
  let flow: RunningFlow;
  afterEach(() => flow.end());

  const load = async (settings: object, poolSettings: object = { devices: DEVICES }): Promise<void> => {
    flow = await RunningFlow.load([
      tab,
      pool(poolSettings),
      ...surrounded("find", "smp-discover", { pool: "pool", ...settings }),
      ...surrounded("state", "smp-image-state", { firmware: "", firmwareType: "none" }),
      ...watchers("find"),
    ]);
  };
  const names = (id: string): string[] => flow.all(id).map((msg) => msg["payload"].device);

  it("gives a message for each device, then the one that came with all of them", async () => {
    await load({});
    const old = { pool: "other", device: "else", images: [] };
    const all = await flow.ask("find", { topic: "t", reply: "to", smp: old }, "find all");
    assert.deepEqual(names("find device"), ["door-1", "door-2", "roof"]);
    assert.deepEqual(
      all["payload"].map((found: { device: string }) => found.device),
      names("find device"),
    );
    assert.deepEqual(all.smp, { pool: "pool", link: "virtual" });
    const [first, second] = flow.all("find device");
    assert.deepEqual(first!["payload"], { device: "door-1", address: "door-1", name: "door-1", smp: true });
    assert.deepEqual(first!.smp, { pool: "pool", link: "virtual", device: "door-1" });
    for (const msg of [first!, second!, all]) assert.deepEqual([msg["topic"], msg["reply"]], ["t", "to"]);
    assert.notEqual(first, second);
    await flow.next("completed");
    assert.deepEqual(flow.texts("find").at(-1), "3 found");
  });

  it("gives messages that other nodes can work on", async () => {
    await load({ match: "roof" });
    flow.put("find", {});
    const found = await flow.next("find device");
    const { payload, smp } = await flow.ask("state", found);
    assert.equal(smp.device, "roof");
    assert.equal(payload[0].version, "1.0.0");
  });

  it("leaves out devices of other names, and says that there is none", async () => {
    await load({ match: " DOOR-2 ", smpOnly: true, minRssi: "-80" });
    await flow.ask("find", {}, "find all");
    assert.deepEqual(names("find device"), ["door-2"], "what the link does not tell is not filtered");
    await flow.end();
    await load({ match: "window" });
    assert.deepEqual((await flow.ask("find", {}, "find all"))["payload"], []);
    assert.deepEqual(names("find device"), []);
  });

  it("forgets the failure that a message had before", async () => {
    await load({ match: "roof" });
    const before = { message: "m", source: { type: "smp-discover" } };
    const all = await flow.ask("find", { error: before, smp: { error: { code: "SMP_BUSY" } } }, "find all");
    for (const msg of [all, await flow.next("find device")])
      assert.deepEqual([msg.error, msg.smp.error], [undefined, undefined]);
  });

  for (const [what, settings, poolSettings, code, message] of [
    ["a pool whose devices cannot be looked for", {}, { link: "udp" }, "SMP_BAD_SETTING", /over udp/],
    ["no pool", { pool: "" }, {}, "SMP_NO_POOL", /discover node/],
    ["too little time", { seconds: "1" }, {}, "SMP_BAD_SETTING", /^seconds must be .* from 5 to 300, got "1"/],
    ["a signal that is none", { minRssi: "strong" }, {}, "SMP_BAD_SETTING", /^minRssi must be .*"strong"/],
    ["an action that it has not", {}, {}, "SMP_BAD_INPUT", /msg\.action/],
  ] as const) {
    it(`refuses ${what}`, async () => {
      await load(settings, poolSettings);
      const action = code === "SMP_BAD_INPUT" ? { action: "disconnect" } : {};
      const msg = await flow.ask("find", action, "find error");
      assert.equal(msg.error.code, code);
      assert.match(msg.error.message, message);
      assert.equal(msg.smp.error.phase, "discover");
      assert.deepEqual(flow.all("find all"), []);
    });
  }
});

describe("the discover node over Bluetooth LE", () => {
  let flow: RunningFlow;
  let world: BleWorld;
  let environment: NodeJS.ProcessEnv;

  /** The nodes start the Bluetooth process as they always do; the environment puts it into the test's air. */
  beforeEach(() => {
    world = new BleWorld();
    environment = { ...process.env };
    const { execArgv, env } = world.air.options();
    Object.assign(process.env, env, { NODE_OPTIONS: execArgv!.join(" ") });
  });
  afterEach(async () => {
    await flow.end();
    await world.close();
    for (const name of Object.keys(process.env)) if (!(name in environment)) delete process.env[name];
    Object.assign(process.env, environment);
  });

  /** @param bleAdapter one of its own: a test must not find another one's process */
  const load = async (bleAdapter: string, settings: object = {}): Promise<void> => {
    flow = await RunningFlow.load([
      tab,
      pool({ link: "ble", bleAdapter }),
      ...surrounded("find", "smp-discover", { pool: "pool", seconds: "300", ...settings }),
      node("unwired", "smp-discover", { pool: "pool" }),
      ...watchers("find", "unwired"),
      probe("unused"),
    ]);
  };

  it("tells devices while it looks, one search at a time, until it is stopped", async () => {
    world.add(new PassiveServer(), { advertisesSmp: false });
    world.add(new PassiveServer(), { name: "pump 7" });
    await load("11", { smpOnly: true, minRssi: "-60" });
    flow.put("find", { topic: "first" });
    const { payload } = await flow.next("find device");
    assert.deepEqual(payload, {
      device: "c0:ff:ee:00:00:02",
      address: "c0:ff:ee:00:00:02",
      name: "pump 7",
      rssi: -60,
      smp: true,
    });
    const busy = await flow.ask("find", { topic: "second" }, "find error");
    assert.deepEqual([busy["topic"], busy.error.code], ["second", "SMP_BUSY"]);
    assert.match(busy.smp.error.hint, /search/);
    flow.put("find", { action: "abort" });
    const stopped = await flow.next("find error");
    assert.deepEqual([stopped["topic"], stopped.error.code], ["first", "SMP_ABORTED"]);
    assert.deepEqual(flow.all("find all"), []);
  });

  it("ends with a deploy", async () => {
    world.add(new PassiveServer());
    await load("12");
    flow.put("find", {});
    await flow.next("find device");
    await flow.deploy([tab]);
    await until(() => !world.air.isScanning);
    assert.deepEqual(flow.counts(), { "find device": 1 });
  });

  it("says what is the matter with the adapter, also to a Catch node", async () => {
    world.air.setAdapter("down");
    await load("13");
    flow.put("unwired", {});
    const caught = await flow.next("caught");
    assert.equal(caught.error.code, "SMP_LINK_OPEN");
    assert.match(caught.error.message, /hci13 is switched off/);
    assert.match(caught.smp.error.hint, /rfkill/);
  });
});
