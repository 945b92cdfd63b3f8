import assert from "node:assert/strict";
import { PassiveServer, until } from "../transport/ble-fixture";
import { useBleWorld } from "./ble-air";
import { pool, probe, node, RunningFlow, surrounded, tab, watchers } from "./flow";

describe("the discover node over Bluetooth LE", () => {
  let flow: RunningFlow;

  afterEach(() => flow.end());
  const world = useBleWorld();

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
    world().add(new PassiveServer(), { advertisesSmp: false });
    world().add(new PassiveServer(), { name: "pump 7" });
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
    world().add(new PassiveServer());
    await load("12");
    flow.put("find", {});
    await flow.next("find device");
    await flow.deploy([tab]);
    await until(() => !world().air.isScanning);
    const { statuses: _, ...messages } = flow.counts();
    assert.deepEqual(messages, { "find device": 1 });
  });

  it("says what is the matter with the adapter, also to a Catch node", async () => {
    world().air.setAdapter("down");
    await load("13");
    flow.put("unwired", {});
    const caught = await flow.next("caught");
    assert.equal(caught.error.code, "SMP_LINK_OPEN");
    assert.match(caught.error.message, /hci13 is switched off/);
    assert.match(caught.smp.error.hint, /rfkill/);
  });
});
