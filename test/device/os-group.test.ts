import assert from "node:assert/strict";
import { VirtualDevice } from "../../src/device/device";
import type { VirtualDeviceOptions } from "../../src/device/options";
import { os, stat } from "../../src/smp/commands";
import { BOOT_MODE } from "../../src/smp/groups/os";
import { buildImage } from "../build-image";
import { call, inProcess, until } from "./bench";

describe("OS group of the virtual device", () => {
  let device: VirtualDevice;
  let wire: ReturnType<typeof inProcess>;

  function start(options: Partial<VirtualDeviceOptions> = {}): void {
    device = new VirtualDevice({ name: "sensor-1", slot0: buildImage({ version: "1.0.0" }), ...options });
    wire = inProcess(device);
  }

  beforeEach(() => start());
  afterEach(() => device.close());

  it("tells what it is, in the server's order, by default the kernel's name", async () => {
    assert.deepEqual(await call(wire, os.info), { output: "Zephyr" });
    assert.deepEqual(await call(wire, os.info, { format: "vns" }), { output: "Zephyr sensor-1 4.4.0" });
    const { output } = (await call(wire, os.info, { format: "a" })) as { output: string };
    assert.equal(output.split(" ").length, 8);
    assert.deepEqual(await call(wire, os.info, { format: "s?" }), { err: { group: 0, rc: 2 } });
    start({ name: "n".repeat(300) });
    assert.deepEqual(await call(wire, os.info, { format: "n" }), { rc: 7 });
  });

  it("tells the bootloader, its mode, and that it forbids downgrades", async () => {
    assert.deepEqual(await call(wire, os.bootloaderInfo), { bootloader: "MCUboot" });
    assert.deepEqual(await call(wire, os.bootloaderInfo, { query: "mode" }), { mode: BOOT_MODE.SWAP_MOVE });
    assert.deepEqual(await call(wire, os.bootloaderInfo, { query: "?" }), { err: { group: 0, rc: 3 } });
    start({ mode: "overwrite", downgradePrevention: "version" });
    assert.deepEqual(await call(wire, os.bootloaderInfo, { query: "mode" }), {
      mode: BOOT_MODE.OVERWRITE_ONLY,
      "no-downgrade": true,
    });
    start({ profile: "zephyr-3.5" });
    assert.deepEqual(await call(wire, os.bootloaderInfo), { rc: 8 });
  });

  it("lists its statistics, and reads one group of them", async () => {
    const { stat_list: names } = (await call(wire, stat.listStatistics)) as { stat_list: string[] };
    for (const name of names) {
      const answer = await call(wire, stat.readStatistics, { name });
      assert.equal(answer["name"], name);
      assert.ok(Object.values(answer["fields"] as object).every(Number.isSafeInteger));
    }
    assert.ok("err" in (await call(wire, stat.readStatistics, { name: "toString" })));
  });

  describe("reset", () => {
    it("is answered first, then the link is lost and the device comes back", async () => {
      assert.deepEqual(await call(wire, os.reset), {});
      assert.deepEqual([device.boots, wire.losses], [1, []], "not before the answer");
      await until(() => wire.losses.length > 0);
      assert.equal(device.state, "booting");
      assert.throws(() => device.connect({ frame: () => undefined, lost: () => undefined }), {
        code: "SMP_LINK_OPEN",
        message: "cannot connect to the virtual device sensor-1: it is booting",
      });
      await until(() => device.state === "application");
      assert.equal(device.boots, 2);
      assert.deepEqual(await call(wire, os.echo, { d: "back" }), { r: "back" });
    });

    it("answers what comes between the answer and the reboot", async () => {
      start({ pace: { resetDelayMs: 20 } });
      await call(wire, os.reset);
      assert.deepEqual(await call(wire, os.echo, { d: "still here" }), { r: "still here" });
      assert.deepEqual(await call(wire, os.reset), {}, "a second reset changes nothing");
      await until(() => device.state === "application" && device.boots > 1);
      assert.equal(device.boots, 2);
    });

    it("ignores arguments that it cannot decode", async () => {
      wire.send(Buffer.from("0a00000300000105ff0001", "hex"));
      await wire.receive();
      await until(() => device.boots === 2);
    });

    it("can be refused by the application, by SMP code or by a group's, and be forced", async () => {
      start({ hooks: { reset: ({ force }) => (force ? undefined : { rc: 10 }) } });
      assert.deepEqual(await call(wire, os.reset), { rc: 10 });
      assert.deepEqual(await call(wire, os.echo, { d: "x" }), { r: "x" });
      assert.deepEqual(await call(wire, os.reset, { force: true }), {});
      await until(() => device.boots === 2);
      start({ hooks: { reset: () => ({ group: 64, rc: 256 }) } });
      assert.deepEqual(await call(wire, os.reset), { err: { group: 64, rc: 256 } });
      assert.equal(device.boots, 1);
    });

    it("into the bootloader ends in serial recovery where that is built in, and the next one ends it", async () => {
      await call(wire, os.reset, { boot_mode: 1 });
      await until(() => device.boots === 2 && device.state !== "booting");
      assert.equal(device.state, "recovery");
      assert.equal(device.version, undefined);
      assert.deepEqual(await call(wire, os.consoleEcho, { echo: false }), { rc: 0 });
      assert.deepEqual(await call(wire, os.reset), { rc: 0 });
      await until(() => device.state === "application");
      start({ profile: "zephyr-3.5" });
      await call(wire, os.reset, { boot_mode: 1 });
      await until(() => device.boots === 2 && device.state !== "booting");
      assert.equal(device.state, "application", "older servers do not look at boot_mode");
    });
  });
});
