import assert from "node:assert/strict";
import { VirtualDevice } from "../../src/device/device";
import type { VirtualDeviceOptions } from "../../src/device/options";
import { type ProfileName, PROFILES } from "../../src/device/profiles";
import { image, os, stat } from "../../src/smp/commands";
import { buildImage, hashOf } from "../build-image";
import { ask, call, inProcess, requestFrame, upload, type Wire } from "./bench";

const OLD = buildImage({ version: "1.0.0" });
const NEW = buildImage({ version: "2.0.0", payloadBytes: 3000 });

describe("profiles of the virtual device", () => {
  let device: VirtualDevice;
  let wire: Wire;

  function start(profile: ProfileName, options: Partial<VirtualDeviceOptions> = {}): void {
    device = new VirtualDevice({ name: "device", slot0: OLD, profile, ...options });
    wire = inProcess(device);
  }

  afterEach(() => device.close());

  it("are all able to run an echo or to say that it is not supported", async () => {
    for (const name of Object.keys(PROFILES) as ProfileName[]) {
      start(name);
      const answer = await call(wire, os.echo, { d: name });
      assert.deepEqual(answer["r"] ?? answer["rc"], name === "mcuboot-recovery" ? 8 : name);
      device.close();
    }
  });

  it("give a group's refusal under the key err, in Zephyr 3.4 under ret, as rc to SMP v1", async () => {
    const refused = { hash: Buffer.alloc(32, 1), confirm: false };
    start("zephyr-3.5");
    assert.deepEqual(await call(wire, image.writeState, refused), { err: { group: 1, rc: 8 } });
    assert.deepEqual(await call(wire, image.writeState, refused, 0), { rc: 1 });
    start("zephyr-3.4");
    assert.deepEqual(await call(wire, image.writeState, refused), { ret: { group: 1, rc: 8 } });
    assert.deepEqual(await call(wire, image.writeState, refused, 0), { rc: 1 });
  });

  it("translate the codes of a group for SMP v1 by its table", async () => {
    start("zephyr-4.4");
    assert.deepEqual(await call(wire, image.erase, { slot: 9 }), { err: { group: 1, rc: 14 } });
    assert.deepEqual(await call(wire, image.erase, { slot: 9 }, 0), { rc: 3 });
    assert.deepEqual(await call(wire, image.erase, { slot: 0 }, 0), { rc: 6 });
    assert.deepEqual(await call(wire, stat.readStatistics, { name: "?" }), { err: { group: 2, rc: 3 } });
    assert.deepEqual(await call(wire, stat.readStatistics, { name: "?" }, 0), { rc: 5 });
  });

  it("of Zephyr 3.2 know SMP v1 only: version bits are not looked at, and every success carries rc 0", async () => {
    start("zephyr-3.2", { bufSize: 1000 });
    for (const version of [0, 1, 2, 3]) {
      const answer = await ask(wire, requestFrame(os.echo, { d: "x" }, version));
      assert.deepEqual([answer.version, answer.body], [0, { rc: 0, r: "x" }]);
    }
    assert.deepEqual(await call(wire, image.writeState, { hash: Buffer.alloc(32, 1) }), { rc: 3 });
    assert.deepEqual(await call(wire, os.info), { rc: 8 });
    assert.deepEqual(await upload(wire, image.upload, NEW), { rc: 0, off: NEW.length });
  });

  it("of Zephyr 3.2 keep an upload open when the slot is erased, later ones do not", async () => {
    const first = { off: 0, len: NEW.length, sha: Buffer.alloc(32, 5), data: NEW.subarray(0, 1000) };
    start("zephyr-3.2", { bufSize: 2000 });
    await call(wire, image.upload, first);
    await call(wire, image.erase);
    assert.deepEqual(await call(wire, image.upload, first), { rc: 0, off: 1000 });
    assert.deepEqual(await call(wire, image.upload, { off: 1000, data: NEW.subarray(1000, 1100) }), {
      rc: 0,
      off: 1100,
    });
    start("zephyr-4.4");
    await call(wire, image.upload, first);
    await call(wire, image.erase);
    assert.deepEqual(await call(wire, image.upload, { off: 1000, data: NEW.subarray(1000, 1100) }), { off: 0 });
  });

  it("erase a blank slot with success, but with error 1 in Zephyr 3.4 and 3.5", async () => {
    for (const name of ["zephyr-3.4", "zephyr-3.5"] as const) {
      start(name);
      assert.deepEqual(await call(wire, image.erase, {}, 0), { rc: 1 });
    }
    start("zephyr-4.4");
    assert.deepEqual(await call(wire, image.erase), {});
    start("zephyr-3.2");
    assert.deepEqual(await call(wire, image.erase), { rc: 0 });
  });

  it("let a pending image be replaced in Zephyr 4.4, and not before", async () => {
    for (const [name, answer] of [
      ["zephyr-4.4", { off: 32 }],
      ["zephyr-3.5", { err: { group: 1, rc: 9 } }],
    ] as const) {
      start(name);
      await upload(wire, image.upload, NEW);
      await call(wire, image.writeState, { hash: hashOf(NEW), confirm: false });
      assert.deepEqual(await call(wire, image.upload, { off: 0, len: 500, data: NEW.subarray(0, 32) }), answer);
    }
  });

  it("can be changed in any point", async () => {
    start("zephyr-3.5", { groupErrorKey: "ret", kernelVersion: "9.9", frugalList: true });
    assert.deepEqual(await call(wire, image.writeState), { ret: { group: 1, rc: 24 } });
    assert.deepEqual(await call(wire, os.info, { format: "v" }), { output: "9.9" });
    const { images } = (await call(wire, image.readState)) as { images: object[] };
    assert.deepEqual(Object.keys(images[0]!), ["slot", "version", "hash", "bootable", "confirmed", "active"]);
  });
});
