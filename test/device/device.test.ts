import assert from "node:assert/strict";
import { BootPlan } from "../../src/device/boot-plan";
import { VirtualDevice } from "../../src/device/device";
import { crashAtStart, cutPowerDuringBoot, neverComeBack, nthBoot, skipBootloader } from "../../src/device/faults";
import type { VirtualDeviceOptions } from "../../src/device/options";
import { image, os } from "../../src/smp/commands";
import { buildImage, hashOf } from "../build-image";
import { call, inProcess, requestFrame, until } from "./bench";

const OLD = buildImage({ version: "1.0.0" });
const NEW = buildImage({ version: "2.0.0", payloadBytes: 20_000 });

describe("virtual device", () => {
  let device: VirtualDevice;
  let wire: ReturnType<typeof inProcess>;

  function start(options: Partial<VirtualDeviceOptions> = {}): void {
    device = new VirtualDevice({ name: "sensor-1", slot0: OLD, slot1: NEW, ...options });
    wire = inProcess(device);
  }

  async function testAndReset(): Promise<void> {
    await call(wire, image.writeState, { hash: hashOf(NEW), confirm: false });
    await call(wire, os.reset);
    await until(() => device.boots >= 2 && device.state !== "booting");
  }

  beforeEach(() => start());
  afterEach(() => device.close());

  it("runs at once when it is made, and tells its version, boots and uptime", () => {
    assert.equal(device.state, "application");
    assert.equal(device.version, "1.0.0");
    assert.equal(device.boots, 1);
    assert.ok(device.uptimeMs >= 0);
  });

  it("serves several clients at once, each its own answers", async () => {
    const other = inProcess(device);
    const asked = [call(wire, os.echo, { d: "one" }), call(other, os.echo, { d: "two" })];
    assert.deepEqual(await Promise.all(asked), [{ r: "one" }, { r: "two" }]);
  });

  it("never answers while the client still sends", () => {
    wire.send(requestFrame(os.echo, { d: "x" }));
    assert.equal(wire.unread, 0);
  });

  it("answers no client that has closed its connection", async () => {
    wire.send(requestFrame(os.echo, { d: "x" }));
    wire.close();
    const other = inProcess(device);
    assert.deepEqual(await call(other, os.echo, { d: "y" }), { r: "y" });
    assert.deepEqual([wire.unread, wire.losses], [0, []]);
  });

  it("does not run without a valid image, and says so to who connects", () => {
    for (const slot0 of [undefined, buildImage({ version: "1.0.0", corrupt: true })]) {
      const dead = new VirtualDevice({ name: "dead", slot0, profile: "zephyr-3.5" });
      assert.equal(dead.state, "off");
      assert.throws(() => inProcess(dead), { code: "SMP_LINK_OPEN", message: /dead: it is off/ });
    }
  });

  it("waits in serial recovery instead where MCUboot has it", () => {
    assert.equal(new VirtualDevice({ name: "blank", profile: "zephyr-4.4" }).state, "recovery");
  });

  describe("with a new image", () => {
    it("runs it on trial, which waits to be confirmed", async () => {
      await testAndReset();
      assert.equal(device.version, "2.0.0");
      assert.equal(device.store.swapType(0), "revert");
      await call(wire, os.reset);
      await until(() => device.boots === 3 && device.state === "application");
      assert.equal(device.version, "1.0.0");
    });

    it("that confirms itself stays", async () => {
      start({ trial: "self-confirming" });
      await testAndReset();
      await until(() => device.store.swapType(0) === "none");
      device.reboot();
      await until(() => device.state === "application");
      assert.equal(device.version, "2.0.0");
    });

    it("that crashes on trial is gone after its crash, and the old one runs on", async () => {
      start({ trial: "crashing" });
      await testAndReset();
      await until(() => device.boots === 3 && device.state === "application");
      assert.equal(device.version, "1.0.0");
      assert.deepEqual(await call(wire, os.echo, { d: "x" }), { r: "x" });
      assert.equal(device.boots, 3);
    });
  });

  describe("power", () => {
    it("that is cut loses connections, what is under way, and an upload", async () => {
      await call(wire, image.upload, { off: 0, len: NEW.length, data: NEW.subarray(0, 100) });
      wire.send(requestFrame(os.echo, { d: "never answered" }));
      device.powerCut();
      assert.match(wire.losses.join(), /sensor-1 is gone: its power was cut/);
      await until(() => device.state === "application");
      assert.deepEqual(await call(wire, image.upload, { off: 100, data: NEW.subarray(100, 200) }), { off: 0 });
      assert.equal(wire.unread, 0);
    });

    it("that is off is silence until it is on again", async () => {
      device.powerOff();
      assert.equal(device.state, "off");
      device.reboot();
      assert.equal(device.state, "off", "without power there is no reboot");
      device.powerOn();
      await until(() => device.state === "application");
      assert.equal(device.boots, 2);
    });

    it("that fails in the midst of a swap, at whatever step, does not harm it", async () => {
      for (const steps of [0, 1, 7, 20]) {
        start();
        device.faults.addBoot(cutPowerDuringBoot(steps));
        await testAndReset();
        assert.equal(device.version, "2.0.0", `${steps} steps`);
        assert.equal(device.store.swapType(0), "revert");
      }
    });

    it("is no longer used after close", async () => {
      const events: string[] = [];
      device.connect({ frame: () => events.push("frame"), lost: (reason) => events.push(reason) });
      wire.send(requestFrame(os.echo, { d: "x" }));
      device.close();
      device.close();
      device.powerOn();
      device.reboot();
      assert.equal(device.state, "closed");
      assert.deepEqual(events, ["the virtual device sensor-1 is gone: it was closed"]);
      assert.throws(() => inProcess(device), { code: "SMP_LINK_OPEN" });
    });
  });

  describe("faults of a boot", () => {
    it("may keep it from coming back", async () => {
      device.faults.addBoot(neverComeBack);
      await call(wire, os.reset);
      await until(() => device.boots === 2);
      assert.equal(device.state, "off");
      device.faults.clear();
      device.powerOn();
      await until(() => device.state === "application");
    });

    it("may keep the bootloader from looking at the slots: the new image stays pending", async () => {
      const heal = device.faults.addBoot(skipBootloader);
      await testAndReset();
      assert.deepEqual([device.version, device.store.swapType(0)], ["1.0.0", "test"]);
      heal();
      device.reboot();
      await until(() => device.state === "application");
      assert.equal(device.version, "2.0.0");
    });

    it("may crash the new image before anyone sees it: the old one is back, confirmed", async () => {
      device.faults.addBoot(crashAtStart);
      await testAndReset();
      assert.deepEqual([device.version, device.store.swapType(0)], ["1.0.0", "none"]);
    });

    it("may be meant for one boot of several", () => {
      const plans = [1, 2, 3].map((number) => new BootPlan(number));
      const fault = nthBoot(2, neverComeBack);
      for (const plan of plans) fault(plan);
      assert.deepEqual(
        plans.map((plan) => plan.isOff),
        [false, true, false],
      );
    });
  });

  it("tells people of boots and uploads, one line each", async () => {
    const lines: string[] = [];
    start({ log: (line) => lines.push(line) });
    await call(wire, image.upload, { off: 0, len: NEW.length, data: NEW.subarray(0, 100) });
    device.reboot();
    await until(() => device.state === "application");
    assert.deepEqual(lines, [
      "running 1.0.0",
      `upload of ${NEW.length} bytes into slot 1 of image 0`,
      "boot: none",
      "running 1.0.0",
    ]);
  });
});
