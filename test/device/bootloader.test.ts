import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DeviceImages } from "../../src/device/images";
import { buildImage, hashOf } from "../build-image";
import { A, B, contents, install, padded, shown, SMALL, smallDevice, upload } from "./small-device";

const OLD_BOOTS = ["0: 1.0.0 active confirmed"];
const STILL_PENDING = ["0: 1.0.0 active confirmed", "1: 2.0.0 pending"];

function realImage(version: string): Buffer {
  return readFileSync(join(__dirname, "..", "images", `hash-only-${version}.bin`));
}

/** The erases and writes of each swap that a real MCUboot did, by its recording. */
function recordedSwaps(): { swap: string; writes: number; erases: number }[] {
  const file = join(__dirname, "..", "recordings", "lifecycle.json");
  const { exchanges } = JSON.parse(readFileSync(file, "utf8")) as { exchanges: { note: string }[] };
  return exchanges.flatMap(({ note }) => {
    const [, swap, writes, erases] = /swap=(\w+) slot0_changed=yes.* writes=(\d+) erases=(\d+)/.exec(note) ?? [];
    return swap ? [{ swap, writes: Number(writes), erases: Number(erases) }] : [];
  });
}

describe("the bootloader that swaps", () => {
  it("touches flash as often as a real MCUboot did, for each kind of swap", () => {
    const [a, b, c] = [realImage("1.0.0"), realImage("1.2.3+4"), realImage("2.0.0+77")];
    const device = new DeviceImages({ contents: contents([0, 0, a]) });
    const boots = [install(device, b, false)];
    device.setState(undefined, true);
    boots.push(install(device, c, false), device.boot(), install(device, c, true), install(device, a, false));
    const swaps = ["test", "test", "revert", "perm", "test"];
    assert.deepEqual(
      boots.map(({ steps, erasedPages }, at) => ({
        swap: swaps[at],
        writes: steps - erasedPages,
        erases: erasedPages,
      })),
      recordedSwaps(),
    );
  });

  it("leaves flash alone when nothing is asked for", () => {
    const device = smallDevice();
    upload(device, B);
    const before = device.snapshot(0, 1);
    assert.deepEqual(device.boot(), {
      completed: true,
      running: true,
      actions: ["none"],
      steps: 0,
      erasedPages: 0,
      writtenBytes: 0,
    });
    assert.deepEqual(device.snapshot(0, 1), before);
  });

  it("reverts only once", () => {
    const device = smallDevice();
    install(device, B, false);
    assert.deepEqual(device.boot().actions, ["reverted"]);
    assert.deepEqual(device.boot().actions, ["none"]);
    assert.deepEqual(shown(device), ["0: 1.0.0 active confirmed", "1: 2.0.0"]);
  });

  it("can swap back and forth for ever", () => {
    const device = smallDevice();
    for (let round = 0; round < 3; round++) {
      install(device, B, false);
      device.setState(undefined, true);
      install(device, A, true);
    }
    assert.deepEqual(shown(device), ["0: 1.0.0 active confirmed", "1: 2.0.0"]);
    assert.deepEqual(Buffer.from(device.slot(0, 0).read(0, A.length)), A);
    assert.deepEqual(Buffer.from(device.slot(0, 1).read(0, B.length)), B);
  });

  for (const mode of ["swap-move", "swap-scratch", "swap-offset"] as const) {
    it(`swaps images of one page and of the largest size with ${mode}`, () => {
      const device = smallDevice({ mode });
      const overhead = buildImage({ version: "9.9.9", payloadBytes: 0 }).length;
      const largest = buildImage({ version: "9.9.9", payloadBytes: device.maxImageBytes - overhead });
      const tiny = buildImage({ version: "0.0.1", payloadBytes: 10 });
      assert.deepEqual(install(device, largest, true).actions, ["swapped"]);
      assert.deepEqual(install(device, tiny, false).actions, ["swapped"]);
      assert.deepEqual(shown(device), ["0: 0.0.1 active", "1: 9.9.9 confirmed"]);
      assert.deepEqual(device.boot().actions, ["reverted"]);
      assert.deepEqual(shown(device), ["0: 9.9.9 active confirmed", "1: 0.0.1"]);
    });
  }

  it("swaps a padded image that was uploaded, for test or for good", () => {
    for (const [confirm, expected] of [
      [false, ["0: 2.0.0 active", "1: 1.0.0 confirmed"]],
      [true, ["0: 2.0.0 active confirmed", "1: 1.0.0"]],
    ] as const) {
      const device = smallDevice();
      upload(device, padded(B, SMALL.slotBytes, confirm));
      assert.deepEqual(shown(device)[1], confirm ? "1: 2.0.0 pending permanent" : "1: 2.0.0 pending");
      device.boot();
      assert.deepEqual(shown(device), expected);
    }
  });

  it("takes a padded image in slot 0 for one that is confirmed, not for a swap that was cut short", () => {
    const programmed = padded(A, SMALL.slotBytes, true);
    const device = smallDevice({ contents: contents([0, 0, programmed], [0, 1, B]) });
    assert.deepEqual(device.boot().actions, ["none"]);
    assert.deepEqual(shown(device), ["0: 1.0.0 active confirmed", "1: 2.0.0"]);
    assert.deepEqual(Buffer.from(device.snapshot(0, 0)), programmed);
  });
});

describe("an image that the bootloader refuses", () => {
  const older = buildImage({ version: "0.9.9", payloadBytes: 4000 });
  const damaged = buildImage({ version: "3.0.0", corrupt: true });
  const refusals = [
    ["its hash is wrong", damaged, {}],
    [
      "its signature is not accepted",
      B,
      { acceptsImage: ({ version }: { version: { major: number } }) => version.major !== 2 },
    ],
    ["it is encrypted", buildImage({ version: "3.0.0", flags: 0x4 }), {}],
    ["it is older", older, { downgradePrevention: "version" }],
  ] as const;
  for (const [why, file, options] of refusals) {
    it(`is erased and the old one runs on, confirmed: ${why}`, () => {
      for (const confirm of [false, true]) {
        for (const mode of ["swap-move", "swap-scratch", "swap-offset", "overwrite"] as const) {
          const device = smallDevice({ mode, ...options });
          const { actions, running } = install(device, file, confirm);
          assert.deepEqual({ actions, running }, { actions: ["refused"], running: true });
          assert.deepEqual(shown(device), OLD_BOOTS);
          assert.equal(device.slot(0, 1).isBlank(), true);
        }
      }
    });
  }

  it("leaves no trial behind that would revert into nothing", () => {
    const device = smallDevice();
    install(device, B, false);
    device.slot(0, 1).write(1000, new Uint8Array(100));
    assert.deepEqual(device.boot().actions, ["refused"]);
    assert.deepEqual(shown(device), ["0: 2.0.0 active confirmed"]);
  });

  it("is only unmarked when it is not bootable", () => {
    const device = smallDevice();
    install(device, buildImage({ version: "3.0.0", flags: 0x10 }), false);
    assert.deepEqual(shown(device), ["0: 1.0.0 active confirmed", "1: 3.0.0"]);
    assert.equal(device.list()[1]?.bootable, false);
  });

  it("is not one of the same version, nor one that differs in the build number alone", () => {
    const device = smallDevice({
      downgradePrevention: "version",
      contents: contents([0, 0, buildImage({ version: "1.0.0+9" })]),
    });
    assert.deepEqual(install(device, A, true).actions, ["swapped"]);
  });

  it("is one with a lower security counter or with none, if counters prevent downgrades", () => {
    const counted = (version: string, securityCounter: number): Buffer => buildImage({ version, securityCounter });
    const running = contents([0, 0, counted("2.0.0", 5)]);
    const actionsFor = (file: Buffer): readonly string[] =>
      install(smallDevice({ downgradePrevention: "security-counter", contents: running }), file, true).actions;
    assert.deepEqual(actionsFor(counted("3.0.0", 4)), ["refused"]);
    assert.deepEqual(actionsFor(buildImage({ version: "3.0.0" })), ["refused"]);
    assert.deepEqual(actionsFor(counted("1.0.0", 5)), ["swapped"]);
  });
});

describe("an image that cannot be swapped", () => {
  it("stays pending over every reset when the slots do not match", () => {
    const device = smallDevice({ cannotSwap: true });
    for (let round = 0; round < 3; round++) {
      assert.deepEqual((round === 0 ? install(device, B, false) : device.boot()).actions, ["cannot-swap"]);
      assert.deepEqual(shown(device), STILL_PENDING);
    }
  });

  it("stays pending when it leaves no room for the trailer and the swap", () => {
    for (const mode of ["swap-move", "swap-scratch", "swap-offset"] as const) {
      const device = smallDevice({ mode });
      const overhead = buildImage({ version: "2.0.0", payloadBytes: 0 }).length;
      const large = buildImage({ version: "2.0.0", payloadBytes: device.maxImageBytes - overhead + 1 });
      assert.deepEqual(install(device, large, false).actions, ["cannot-swap"]);
      assert.deepEqual(shown(device), STILL_PENDING);
    }
  });
});

describe("the bootloader that overwrites", () => {
  it("keeps the new image alone, confirmed, whether it was marked for test or for good", () => {
    for (const confirm of [false, true]) {
      const device = smallDevice({ mode: "overwrite" });
      assert.deepEqual(install(device, B, confirm).actions, ["overwritten"]);
      assert.deepEqual(shown(device), ["0: 2.0.0 active confirmed"]);
      device.setState(undefined, true);
      assert.deepEqual(device.boot().actions, ["none"]);
      assert.deepEqual(shown(device), ["0: 2.0.0 active confirmed"]);
      assert.deepEqual(Buffer.from(device.slot(0, 0).read(0, B.length)), B);
    }
  });

  it("takes an image that nearly fills the slot", () => {
    const device = smallDevice({ mode: "overwrite" });
    const overhead = buildImage({ version: "3.0.0", payloadBytes: 0 }).length;
    const large = buildImage({ version: "3.0.0", payloadBytes: device.maxImageBytes - overhead });
    assert.deepEqual(install(device, large, false).actions, ["overwritten"]);
    assert.deepEqual(shown(device), ["0: 3.0.0 active confirmed"]);
    install(device, B, false);
    const lastPage = Buffer.from(device.snapshot(0, 0)).subarray(-SMALL.pageBytes);
    assert.deepEqual(lastPage, Buffer.alloc(SMALL.pageBytes, 0xff), "nothing of it stays where the trailer belongs");
  });
});

describe("the bootloader with two images", () => {
  const radioOld = buildImage({ version: "0.1.0", payloadBytes: 2500 });
  const radioNew = buildImage({ version: "0.2.0", payloadBytes: 2600 });
  const needsRadio = buildImage({ version: "2.0.0", dependencies: [{ image: 1, minVersion: "0.2.0" }] });
  const both = (): DeviceImages => smallDevice({ imageCount: 2, contents: contents([0, 0, A], [1, 0, radioOld]) });

  it("swaps what is marked of each", () => {
    const device = both();
    upload(device, radioNew, 1);
    device.setState(hashOf(radioNew), false);
    assert.deepEqual(device.boot().actions, ["none", "swapped"]);
    assert.deepEqual(shown(device), ["0.0: 1.0.0 active confirmed", "1.0: 0.2.0 active", "1.1: 0.1.0 confirmed"]);
  });

  it("swaps nothing while a dependency is not met, and all once it is", () => {
    const device = both();
    upload(device, needsRadio, 0);
    device.setState(hashOf(needsRadio), true);
    assert.deepEqual(device.boot().actions, ["cannot-swap", "none"]);
    assert.deepEqual(shown(device)[1], "0.1: 2.0.0 pending permanent");
    upload(device, radioNew, 1);
    device.setState(hashOf(radioNew), true);
    assert.deepEqual(device.boot().actions, ["swapped", "swapped"]);
    assert.deepEqual(shown(device).slice(0, 3), [
      "0.0: 2.0.0 active confirmed",
      "0.1: 1.0.0",
      "1.0: 0.2.0 active confirmed",
    ]);
  });

  it("does not swap away what the other image depends on", () => {
    const device = smallDevice({ imageCount: 2, contents: contents([0, 0, needsRadio], [1, 0, radioNew]) });
    upload(device, radioOld, 1);
    device.setState(hashOf(radioOld), false);
    assert.deepEqual(device.boot().actions, ["none", "cannot-swap"]);
  });

  it("refuses for good a dependency on an image that there is not", () => {
    const file = buildImage({ version: "2.0.0", dependencies: [{ image: 2, minVersion: "0.0.0" }] });
    const device = both();
    assert.deepEqual(install(device, file, true).actions, ["cannot-swap", "none"]);
  });

  it("looks for dependencies among the protected TLVs alone", () => {
    const data = Buffer.from([1, 0, 0, 0, 9, 9, 0, 0, 0, 0, 0, 0]);
    const file = buildImage({ version: "2.0.0", extraTlvs: [{ type: 0x40, data }] });
    assert.deepEqual(install(both(), file, true).actions, ["swapped", "none"]);
  });

  it("does not need an image in the second one's slots", () => {
    const device = smallDevice({ imageCount: 2 });
    assert.equal(install(device, B, true).running, true);
  });
});

describe("a device that cannot boot", () => {
  it("says so when slot 0 is blank or its image is damaged", () => {
    for (const file of [Buffer.alloc(0), buildImage({ version: "1.0.0", corrupt: true })]) {
      for (const mode of ["swap-move", "overwrite", "direct-xip"] as const) {
        const device = smallDevice({ mode, contents: contents([0, 0, file]) });
        assert.equal(device.boot().running, false);
      }
    }
  });
});
