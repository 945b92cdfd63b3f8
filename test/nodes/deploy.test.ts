import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import helper from "node-red-node-test-helper";
import { loseRequest } from "../../src/device/faults";
import type { VirtualDevice } from "../../src/index";
import type { PoolNode } from "../../nodes/runtime/pool";
import { deviceOf } from "./device";
import { node, pool, probe, RunningFlow, surrounded, tab, watchers } from "./flow";
import { runtimeEvents, type FlowNode } from "../node-red";
import { heldFiles } from "./held-files";

/** Takes more than half a second at the brisk pace. */
const FIRMWARE = "test/images/hash-only-2.0.0+77.bin";
const CLOSE_WITHIN_MS = 3000;
/** For whatever an old node might still say. */
const GHOST_TIME_MS = 450;

const uploadFlow = (more: { pool?: object; upload?: object; state?: object } = {}): FlowNode[] => [
  tab,
  pool({ pace: "brisk", ...more.pool }),
  ...surrounded("connect", "smp-connect", { pool: "pool", device: "sensor-1", deviceType: "str" }),
  ...surrounded("upload", "smp-upload", { firmware: FIRMWARE, firmwareType: "str", window: "1", ...more.upload }),
  ...surrounded("state", "smp-image-state", { firmwareType: "none", ...more.state }),
  ...watchers("upload", "connect"),
];

describe("a deploy in the midst of an upload", () => {
  let flow: RunningFlow;
  const target = { pool: "pool", device: "sensor-1" };

  beforeEach(async () => {
    flow = await RunningFlow.load(uploadFlow());
  });
  afterEach(() => flow.end());

  async function beginUpload(): Promise<void> {
    flow.put("upload", { smp: target });
    await flow.until("progress", () => (flow.all("upload progress").at(-1)?.["payload"] ?? 0) > 0);
  }

  async function deploy(changed: FlowNode[], type: "full" | "flows" | "nodes"): Promise<void> {
    const startMs = performance.now();
    await flow.deploy(changed, type);
    assert.ok(performance.now() - startMs < CLOSE_WITHIN_MS, "the deploy does not wait for the upload");
  }

  async function assertSilence(): Promise<void> {
    const before = flow.counts();
    await sleep(GHOST_TIME_MS);
    assert.deepEqual(flow.counts(), before, "nothing of the old nodes comes into the new flow");
  }

  const restarts = [
    { type: "full" as const, changed: uploadFlow() },
    {
      type: "flows" as const,
      // Of a changed flow Node-RED restarts what is wired to the change.
      changed: uploadFlow().map((each) => (each.id === "upload result" ? { ...each, name: "renamed" } : each)),
    },
    { type: "nodes" as const, changed: uploadFlow({ upload: { name: "renamed" } }) },
  ];

  for (const { type, changed } of restarts) {
    it(`of type ${type} ends it without a word, and the device is free at once`, async () => {
      await beginUpload();
      await deploy(changed, type);
      await assertSilence();
      assert.deepEqual([flow.all("upload result"), flow.all("upload error"), flow.all("caught")], [[], [], []]);
      assert.deepEqual(flow.all("completed"), []);
      const done = await flow.ask("upload", { smp: target });
      assert.ok(done["payload"].resumedFromBytes > 0, "the device kept what it had");
    });
  }

  it("of type nodes that changes another node leaves it running", async () => {
    await beginUpload();
    await deploy(uploadFlow({ state: { name: "renamed" } }), "nodes");
    const done = await flow.next("upload result");
    assert.equal(done["payload"].outcome, "uploaded");
    assert.equal(flow.all("upload progress").at(-1)!["payload"], 100);
  });

  it("that changes the pool's settings fails it with SMP_CLOSED, for its own node goes on", async () => {
    await beginUpload();
    await deploy(uploadFlow({ pool: { maxWaiting: 5 } }), "nodes");
    const failed = await flow.next("upload error");
    assert.equal(failed.error.code, "SMP_CLOSED");
    const done = await flow.ask("upload", { smp: target });
    assert.ok(done["payload"].resumedFromBytes > 0, "the device is the same one");
  });

  it("that removes the upload node ends it without a word", async () => {
    await beginUpload();
    await deploy(
      uploadFlow().filter(({ id }) => id !== "upload"),
      "full",
    );
    await assertSilence();
    const state = await flow.ask("state", { smp: target });
    assert.equal(state["payload"][0].version, "1.0.0");
  });

  it("that removes everything ends everything", async () => {
    flow.put("connect", {});
    await beginUpload();
    await deploy([tab, probe("upload error"), probe("upload result"), probe("upload progress")], "full");
    await assertSilence();
  });

  it("ends a message that waits for its turn, too", async () => {
    await beginUpload();
    flow.put("state", { smp: target });
    await deploy(uploadFlow(), "full");
    await assertSilence();
    assert.deepEqual(flow.all("state result"), []);
  });

  it("does not wait for a device that is silent", async () => {
    await beginUpload();
    deviceOf(pool({ pace: "brisk" })).faults.add(loseRequest);
    flow.put("state", { smp: target });
    await deploy(uploadFlow(), "full");
    await assertSilence();
  });

  it("closes the sessions of its pool", async () => {
    const device = deviceOf(pool({ pace: "brisk" }));
    const open = countConnections(device);
    await deploy(uploadFlow({ pool: { maxSessions: 7 } }), "full");
    await beginUpload();
    assert.equal(open(), 1);
    await deploy(uploadFlow(), "full");
    assert.equal(open(), 0);
  });

  it("clears what stood under the node", async () => {
    await beginUpload();
    await deploy(uploadFlow(), "full");
    assert.equal(flow.statuses.findLast(({ id }) => id === "upload")!.text, "");
  });
});

describe("a node that is removed", () => {
  it("is no user of its pool any more", async () => {
    const flow = await RunningFlow.load(uploadFlow({ pool: { pace: "instant" } }));
    const used = helper.getNode("pool") as unknown as PoolNode;
    const sessions = used.sessions();
    const watch = sessions.watch.bind(sessions);
    let watching = 0;
    sessions.watch = (listener) => {
      const end = watch(listener);
      watching += 1;
      return () => {
        watching -= 1;
        end();
      };
    };
    await flow.ask("connect", {});
    await flow.ask("state", { smp: { pool: "pool", device: "sensor-1" } });
    assert.deepEqual([Object.keys(used.users).length, watching], [2, 1]);
    await flow.deploy(
      uploadFlow({ pool: { pace: "instant" } }).filter(({ id }) => id !== "connect" && id !== "state"),
      "nodes",
    );
    assert.equal(helper.getNode("pool"), used, "the pool was not restarted");
    assert.deepEqual([Object.keys(used.users).length, watching], [0, 0]);
    await flow.end();
  });
});

/** How many connections with the device are open, of those that are opened from now on. */
function countConnections(device: VirtualDevice): () => number {
  const connect = device.connect.bind(device);
  let open = 0;
  device.connect = (listener) => {
    const connection = connect(listener);
    open += 1;
    return {
      send: (packet) => connection.send(packet),
      close: () => {
        open -= 1;
        connection.close();
      },
    };
  };
  return () => open;
}

describe("the error output", () => {
  let flow: RunningFlow;
  afterEach(() => flow.end());

  it("follows the wires of the last deploy, though the node was not restarted", async () => {
    const state = (errors: string[]): FlowNode[] => [
      tab,
      pool(),
      node("state", "smp-image-state", { firmwareType: "none" }, [[], [], errors]),
      probe("errors"),
      ...watchers("state"),
    ];
    flow = await RunningFlow.load(state([]));
    await flow.ask("state", {}, "caught");
    await flow.deploy(state(["errors"]), "nodes");
    await flow.ask("state", {}, "errors");
    assert.equal(flow.all("caught").length, 1);
  });
});

describe("virtual devices", () => {
  let flow: RunningFlow;
  const target = { pool: "pool", device: "sensor-1" };
  const uploaded = async (): Promise<boolean> =>
    (await flow.ask("state", { smp: target }))["payload"].some(
      ({ version }: { version: string }) => version === "2.0.0+77",
    );

  beforeEach(async () => {
    flow = await RunningFlow.load(uploadFlow({ pool: { pace: "instant" } }));
    await flow.ask("upload", { smp: target });
  });
  afterEach(() => flow.end());

  it("outlive a deploy, as hardware does", async () => {
    await flow.deploy(uploadFlow({ pool: { pace: "instant", maxSessions: 3 } }), "full");
    assert.equal(await uploaded(), true);
  });

  it("are new when their settings change", async () => {
    await flow.deploy(uploadFlow({ pool: { pace: "instant", slotKiB: 256 } }), "full");
    assert.equal(await uploaded(), false);
  });

  it("are left as they are when another one is added", async () => {
    const devices = [{ name: "sensor-1", trial: "healthy" }, { name: "sensor-2" }];
    await flow.deploy(uploadFlow({ pool: { pace: "instant", devices } }), "full");
    assert.equal(await uploaded(), true);
  });

  it("are gone with their pool", async () => {
    await flow.deploy(
      uploadFlow().filter(({ id }) => id !== "pool"),
      "full",
    );
    await flow.deploy(uploadFlow({ pool: { pace: "instant" } }), "full");
    assert.equal(await uploaded(), false);
  });
});

describe("fifty deploys with work under way", () => {
  it("leave nothing behind", async () => {
    const versions = [uploadFlow(), uploadFlow({ upload: { name: "renamed" }, pool: { maxSessions: 3 } })];
    const flow = await RunningFlow.load(versions[0]!);
    const openConnections = countConnections(deviceOf(versions[0]!.find(({ id }) => id === "pool")!));
    const left = (): object => ({
      timers: process.getActiveResourcesInfo().filter((name) => name === "Timeout").length,
      users: Object.keys((helper.getNode("pool") as unknown as { users: object }).users),
      runtimeListeners: runtimeEvents.eventNames().map((name) => [name, runtimeEvents.listenerCount(name)]),
      openConnections: openConnections(),
    });
    const counts: object[] = [];
    for (let round = 1; round <= 50; round++) {
      flow.put("connect", {});
      flow.put("upload", { smp: { pool: "pool", device: "sensor-1" } });
      await sleep(2);
      await flow.deploy(versions[round % 2]!, "full");
      counts.push(left());
    }
    assert.deepEqual(counts.at(-1), counts[1]);
    assert.deepEqual(heldFiles(), []);
    await flow.end();
  });
});
