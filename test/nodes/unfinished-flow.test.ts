/** How a flow ends what was begun before a restart, as one would draw it. */
import assert from "node:assert/strict";
import { coreNode } from "../node-red";
import { deviceOf, stateOf } from "./device";
import { node, pool, probe, RunningFlow, surrounded, tab, type Msg } from "./flow";

const POOL = pool();
const ON_DEVICE = { device: "sensor-1", deviceType: "str" };
const FIRMWARE = { firmware: "sample:1.5.0", firmwareType: "str" };

/** connect ─► image state ─► the firmware is that of the unfinished update ─► switch on its phase ─► what is left to do */
const ENDING = [
  node("connect", "smp-connect", { pool: "pool", ...ON_DEVICE }, [["state"], ["error"]]),
  node("state", "smp-image-state", { firmwareType: "none" }, [["take up"], [], ["error"]]),
  node(
    "take up",
    "change",
    { rules: [{ t: "set", p: "smp.firmware", pt: "msg", to: "smp.unfinished.firmware", tot: "msg" }] },
    [["phase"]],
  ),
  node(
    "phase",
    "switch",
    {
      property: "smp.unfinished.phase",
      propertyType: "msg",
      rules: [...["uploaded", "marked", "trial"].map((v) => ({ t: "eq", v, vt: "str" })), { t: "else" }],
      checkall: "false",
    },
    [["test"], ["reset"], ["confirm"], ["nothing"]],
  ),
  node("test", "smp-test", { hash: "smp.firmware.hash", hashType: "msg" }, [["reset"], ["error"]]),
  node("reset", "smp-reset", {}, [["confirm"], [], ["error"]]),
  node("confirm", "smp-confirm", { hash: "smp.firmware.hash", hashType: "msg" }, [["confirmed"], ["error"]]),
  ...["confirmed", "nothing", "error"].map(probe),
];

describe("an update that was begun before", () => {
  let flow: RunningFlow;
  const begin = { pool: "pool", ...ON_DEVICE, ...FIRMWARE };
  beforeEach(async () => {
    flow = await RunningFlow.load(
      [
        tab,
        POOL,
        ...ENDING,
        ...surrounded("upload alone", "smp-update", { ...begin, goal: "upload" }),
        ...surrounded("mark", "smp-test", { hash: "smp.firmware.hash", hashType: "msg" }),
        ...surrounded("try", "smp-update", { ...begin, goal: "test" }),
      ],
      coreNode("function/10-switch"),
      coreNode("function/15-change"),
    );
  });
  afterEach(() => flow.end());

  const phases: Record<string, () => Promise<Msg>> = {
    uploaded: () => flow.ask("upload alone", {}),
    marked: async () => flow.ask("mark", await flow.ask("upload alone", {})),
    trial: () => flow.ask("try", {}),
  };
  for (const [phase, come] of Object.entries(phases)) {
    it(`is ended by a flow that finds it ${phase}, and is over then`, async () => {
      await come();
      const { smp } = await flow.ask("connect", {}, "confirmed");
      assert.equal(smp.verdict, "confirmed");
      assert.equal(stateOf(deviceOf(POOL, "sensor-1")), "1.5.0 active confirmed, 1.0.0");
      await flow.ask("connect", {}, "nothing");
      assert.deepEqual(flow.all("error"), []);
    });
  }

  it("is over when the device has gone back meanwhile, and nothing is confirmed", async () => {
    await flow.ask("try", {});
    const device = deviceOf(POOL, "sensor-1");
    device.reboot();
    await flow.until("the device to be back", () => device.state === "application");
    const { smp } = await flow.ask("connect", {}, "nothing");
    assert.deepEqual([smp.unfinished, smp.images[0].version], [undefined, "1.0.0"]);
    assert.equal(stateOf(deviceOf(POOL, "sensor-1")), "1.0.0 active confirmed, 1.5.0");
  });
});
