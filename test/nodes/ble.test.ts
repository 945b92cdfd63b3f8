import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { samplePath } from "../../src/device/samples";
import type { Behaviour } from "../ble-controller/peripheral";
import { useBleWorld } from "./ble-air";
import { pool, RunningFlow, surrounded, tab, type Msg } from "./flow";

const STEPS = ["state", "upload", "test", "reset", "confirm"];
const FIRMWARE = { firmware: "firmware", firmwareType: "msg", image: "0", imageType: "num" };
const HASH = { hash: "smp.firmware.hash", hashType: "msg" };
const DEVICE = { pool: "pool", device: "topic", deviceType: "msg" };
const FACTORY = { slot0: readFileSync(samplePath("1.0.0")), slotBytes: 512 * 1024 };

describe("a pool of Bluetooth LE devices", () => {
  let flow: RunningFlow;

  afterEach(() => flow.end());
  const world = useBleWorld();

  const load = async (settings: object, behaviour: Partial<Behaviour> = {}) => {
    const { device } = world().addDevice(FACTORY, behaviour);
    flow = await RunningFlow.load([
      tab,
      pool({ link: "ble", bleScanS: "1", ...settings }),
      ...surrounded("connect", "smp-connect", DEVICE),
      ...surrounded("state", "smp-image-state", FIRMWARE),
      ...surrounded("upload", "smp-upload", FIRMWARE),
      ...surrounded("test", "smp-test", HASH),
      ...surrounded("reset", "smp-reset", { waitS: "30" }),
      ...surrounded("confirm", "smp-confirm", HASH),
    ]);
    return device;
  };
  const connect = (topic: string, output?: string): Promise<Msg> =>
    flow.ask("connect", { topic, firmware: "sample:1.5.0" }, output);

  it("field case 1: updates a peripheral from connect to confirm", async () => {
    // Adapters of their own: the test that follows must not find this one's process.
    const device = await load({ bleAdapter: "1" });
    let msg = await connect("C0:FF:EE:00:00:01 | sensor-1");
    assert.equal(msg["payload"].link, "ble");
    assert.ok(msg["payload"].negotiated.mtu >= 247, JSON.stringify(msg["payload"]));
    for (const step of STEPS) msg = await flow.ask(step, msg);
    assert.equal(msg.smp.verdict, "confirmed");
    assert.equal(device.version, "1.5.0");
  });

  it("field case 5: says plainly that a device demands pairing, or what is the matter with one that is absent", async () => {
    await load({ bleAdapter: "2" }, { subscriptionError: 0x05 });
    const absent = await connect("pump 9", "connect error");
    assert.equal(absent.error.code, "SMP_LINK_OPEN");
    assert.match(absent.error.message, /pump 9: it did not advertise within 1 s; seen instead: sensor-1/);
    const locked = await connect("sensor-1", "connect error");
    assert.match(locked.error.message, /the device demands pairing/);
    assert.match(locked.smp.error.hint, /bluetoothctl/);
  });

  it("says what is the matter with the adapter", async () => {
    world().air.setAdapter("down");
    await load({ bleAdapter: "3" });
    const { error, smp } = await connect("sensor-1", "connect error");
    assert.match(error.message, /hci3 is switched off/);
    assert.match(smp.error.hint, /rfkill/);
  });
});
