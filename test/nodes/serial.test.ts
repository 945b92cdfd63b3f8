import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { samplePath } from "../../src/device/samples";
import { SerialBench, type SerialBenchOptions } from "../serial/bench";
import { pool, RunningFlow, surrounded, tab, type Msg } from "./flow";

const STEPS = ["state", "upload", "test", "reset", "confirm"];
const FIRMWARE = { firmware: "firmware", firmwareType: "msg", image: "0", imageType: "num" };
const HASH = { hash: "smp.firmware.hash", hashType: "msg" };
const DEVICE = { pool: "pool", device: "topic", deviceType: "msg" };
const FACTORY = { slot0: readFileSync(samplePath("1.0.0")), slotBytes: 512 * 1024 };
const RECOVERY: SerialBenchOptions = { device: { ...FACTORY, profile: "mcuboot-recovery" } };

describe("a pool of devices on serial lines", () => {
  let flow: RunningFlow;
  let bench: SerialBench;
  const load = async (device: SerialBenchOptions, upload: object = {}, reset: object = {}): Promise<void> => {
    bench = await SerialBench.start(device);
    flow = await RunningFlow.load([
      tab,
      pool({ link: "serial", framing: device.framing ?? "console", lineDelayMs: "0" }),
      ...surrounded("connect", "smp-connect", DEVICE),
      ...surrounded("state", "smp-image-state", FIRMWARE),
      ...surrounded("upload", "smp-upload", { ...FIRMWARE, ...upload }),
      ...surrounded("test", "smp-test", HASH),
      ...surrounded("reset", "smp-reset", { waitS: "30", ...reset }),
      ...surrounded("confirm", "smp-confirm", HASH),
    ]);
  };
  const connect = (): Promise<Msg> => flow.ask("connect", { topic: bench.address, firmware: "sample:1.5.0" });
  afterEach(async () => {
    await flow.end();
    await bench.close();
  });

  for (const framing of ["console", "raw"] as const) {
    it(`updates a device from connect to confirm, ${framing} framing`, async () => {
      await load({ framing, device: FACTORY });
      let msg = await connect();
      assert.equal(msg["payload"].maxFrameBytes, msg["payload"].bufSize - (framing === "raw" ? 0 : 4));
      assert.equal(msg["payload"].link, "serial");
      for (const step of STEPS) msg = await flow.ask(step, msg);
      assert.equal(msg.smp.verdict, "confirmed");
      assert.ok(msg["payload"][0].version === "1.5.0" && msg["payload"][0].confirmed);
    });
  }

  it("field case 4: updates a device in MCUboot's serial recovery by the same flow, once that is allowed", async () => {
    await load(RECOVERY, { allowRecovery: true });
    let msg = await connect();
    for (const step of STEPS) msg = await flow.ask(step, msg);
    assert.equal(msg.smp.verdict, "confirmed");
    assert.equal(bench.device.version, "1.5.0");
  });

  it("does not write over the running firmware of a device in recovery unless that is allowed", async () => {
    await load(RECOVERY);
    const { error, smp } = await flow.ask("upload", await connect(), "upload error");
    assert.equal(error.code, "SMP_IN_RECOVERY");
    assert.match(error.message, /slot 0: 1\.0\.0.*no image to go back to/);
    assert.match(smp.error.hint, /allow uploads in recovery/);
  });

  it("brings a device into recovery by a reset", async () => {
    await load({ device: FACTORY }, {}, { recovery: true });
    const { smp } = await flow.ask("reset", await connect());
    assert.equal(bench.device.state, "recovery");
    assert.equal(smp.reset.because, "MCUboot's serial recovery answers");
  });

  it("says why a port cannot be used", async () => {
    await load({ device: FACTORY });
    const { error } = await flow.ask("connect", { topic: "ttyACM0" }, "connect error");
    assert.equal(error.code, "SMP_BAD_INPUT");
    assert.match(error.message, /such as \/dev\/ttyACM0/);
    const { error: gone } = await flow.ask("connect", { topic: "/dev/no-such-port" }, "connect error");
    assert.equal(gone.code, "SMP_LINK_OPEN");
  });
});
