import assert from "node:assert/strict";
import type { BootMode, DeviceImagesOptions } from "../../src/device/image-options";
import type { DeviceImages } from "../../src/device/images";
import { ImageRefusal, type SwapType } from "../../src/device/image-store";
import { buildImage, hashOf } from "../build-image";
import { A, B, contents, inSituation, shown, SMALL, smallDevice, upload } from "./small-device";

type Request = "test the other" | "confirm the other" | "test the running" | "confirm the running" | "confirm";

function request(device: DeviceImages, what: Request): void {
  const active = device.activeSlot(0);
  const entry = device.list().find(({ slot }) => (slot === active) === what.endsWith("the running"));
  device.setState(what === "confirm" ? undefined : entry!.hash, what.startsWith("confirm"));
}

/** What came of it: the refusal's code, or the swap type afterwards. */
function outcome(device: DeviceImages, work: () => void): number | string {
  try {
    work();
    return device.swapType(0);
  } catch (thrown) {
    if (!(thrown instanceof ImageRefusal)) throw thrown;
    return thrown.rc;
  }
}

const SWAPPING: readonly BootMode[] = ["swap-move", "swap-scratch", "swap-offset", "overwrite"];

describe("a state write", () => {
  const table: readonly (readonly [SwapType, Request, number | SwapType])[] = [
    ["none", "test the other", "test"],
    ["none", "confirm the other", "permanent"],
    ["none", "test the running", 33],
    ["none", "confirm the running", "none"],
    ["none", "confirm", "none"],
    ["test", "test the other", "test"],
    ["test", "confirm the other", 28],
    ["test", "test the running", 33],
    ["test", "confirm the running", 28],
    ["test", "confirm", 28],
    ["permanent", "test the other", 28],
    ["permanent", "confirm the other", "permanent"],
    ["permanent", "test the running", 33],
    ["permanent", "confirm the running", 28],
    ["permanent", "confirm", 28],
    ["revert", "test the other", 28],
    ["revert", "confirm the other", "revert"],
    ["revert", "test the running", 33],
    ["revert", "confirm the running", "none"],
    ["revert", "confirm", "none"],
  ];
  for (const [situation, what, expected] of table) {
    it(`${typeof expected === "number" ? `is refused with ${expected}` : `leads to ${expected}`}: ${what} when the swap type is ${situation}`, () => {
      for (const mode of SWAPPING) {
        if (mode === "overwrite" && situation === "revert") continue;
        const device = inSituation(situation, { mode });
        const before = situation === expected ? device.snapshot(0, 1) : undefined;
        assert.equal(
          outcome(device, () => request(device, what)),
          expected,
          mode,
        );
        if (before) assert.deepEqual(device.snapshot(0, 1), before);
      }
    });
  }

  it("needs a hash to test, of the build's length, that some slot has", () => {
    const device = inSituation("none");
    const refusalOf = (hash: Uint8Array | undefined, confirm: boolean): number | string =>
      outcome(device, () => device.setState(hash, confirm));
    assert.equal(refusalOf(undefined, false), 24);
    assert.equal(refusalOf(new Uint8Array(), false), 24);
    assert.equal(refusalOf(hashOf(B).subarray(0, 31), false), 24);
    assert.equal(refusalOf(Buffer.alloc(64), true), 24);
    assert.equal(refusalOf(Buffer.alloc(32), true), 8);
    assert.equal(refusalOf(new Uint8Array(), true), "none");
  });

  it("takes the hashes of a SHA-512 build", () => {
    const [old, next] = ["1.0.0", "2.0.0"].map((version) => buildImage({ version, hash: 64 }));
    const device = smallDevice({ hashBytes: 64, contents: contents([0, 0, old!]) });
    upload(device, next!);
    assert.equal(
      outcome(device, () => device.setState(Buffer.alloc(32), false)),
      24,
    );
    assert.equal(
      outcome(device, () => device.setState(hashOf(next!), false)),
      "test",
    );
  });

  it("means slot 0 when both slots hold the image", () => {
    const device = smallDevice();
    upload(device, A);
    assert.equal(
      outcome(device, () => device.setState(hashOf(A), false)),
      33,
    );
  });

  it("confirms a device that was programmed without a trailer by doing nothing", () => {
    const device = smallDevice();
    const before = device.snapshot(0, 0);
    device.setState(undefined, true);
    device.setState(hashOf(A), true);
    assert.deepEqual(device.snapshot(0, 0), before);
    assert.deepEqual(shown(device), ["0: 1.0.0 active confirmed"]);
  });

  it("is refused with 23 when the slot's end is no trailer but data", () => {
    const device = smallDevice();
    upload(device, B);
    device.slot(0, 1).write(SMALL.slotBytes - 16, new Uint8Array(4));
    assert.equal(
      outcome(device, () => device.setState(hashOf(B), false)),
      23,
    );
  });

  it("cannot make an image permanent untested where the product forbids it", () => {
    const device = inSituation("none", { allowConfirmNonActiveSlot: false });
    assert.equal(
      outcome(device, () => request(device, "confirm the other")),
      32,
    );
    assert.equal(
      outcome(device, () => request(device, "test the other")),
      "test",
    );
    device.boot();
    assert.equal(
      outcome(device, () => request(device, "confirm the other")),
      32,
    );
    assert.equal(
      outcome(device, () => request(device, "confirm the running")),
      "none",
    );
  });

  it("is refused by a direct-XIP device without revert, whose server does not have it", () => {
    const device = smallDevice({ mode: "direct-xip" });
    assert.equal(device.stateWritable, false);
    assert.throws(() => device.setState(undefined, true), { code: "SMP_INTERNAL" });
    assert.equal(smallDevice().stateWritable, true);
  });

  it("marks in place on a direct-XIP device with revert, and never tests what runs", () => {
    const device = smallDevice({ mode: "direct-xip-revert" });
    upload(device, B);
    assert.equal(
      outcome(device, () => device.setState(hashOf(A), false)),
      33,
    );
    device.setState(hashOf(B), false);
    assert.deepEqual(shown(device), ["0: 1.0.0 active confirmed", "1: 2.0.0 pending"]);
    device.setState(hashOf(B), true);
    assert.deepEqual(shown(device), ["0: 1.0.0 active confirmed", "1: 2.0.0 pending permanent"]);
    device.slot(0, 1).write(SMALL.slotBytes - 16, new Uint8Array(16));
    assert.equal(
      outcome(device, () => device.setState(hashOf(B), true)),
      23,
    );
  });
});

describe("a state write to the second image", () => {
  const radio = buildImage({ version: "0.1.0", payloadBytes: 2500 });
  const radioNew = buildImage({ version: "0.2.0", payloadBytes: 2600 });
  const device = (options: DeviceImagesOptions = {}): DeviceImages => {
    const made = smallDevice({ imageCount: 2, contents: contents([0, 0, A], [1, 0, radio]), ...options });
    upload(made, radioNew, 1);
    return made;
  };

  it("may confirm its other slot, but not the one that runs", () => {
    const made = device();
    assert.equal(
      outcome(made, () => made.setState(hashOf(radio), true)),
      32,
    );
    made.setState(hashOf(radioNew), true);
    assert.equal(made.swapType(1), "permanent");
    assert.equal(made.swapType(0), "none");
  });

  it("may confirm neither, or both, as the product says", () => {
    const neither = device({ allowConfirmNonActiveImageSecondary: false });
    assert.equal(
      outcome(neither, () => neither.setState(hashOf(radioNew), true)),
      32,
    );
    const both = device({ allowConfirmNonActiveImageAny: true, allowConfirmNonActiveImageSecondary: false });
    both.setState(hashOf(radio), true);
    both.setState(hashOf(radioNew), true);
    assert.equal(both.swapType(1), "permanent");
  });

  it("without a hash means the first image", () => {
    const made = device();
    made.setState(hashOf(radioNew), false);
    upload(made, B, 0);
    made.setState(hashOf(B), false);
    made.boot();
    made.setState(undefined, true);
    assert.deepEqual([made.swapType(0), made.swapType(1)], ["none", "revert"]);
  });
});

describe("a state write to a server of Zephyr 3.3 and before", () => {
  const table: readonly (readonly [SwapType, Request, number | SwapType])[] = [
    ["none", "test the other", "test"],
    ["none", "confirm the other", "permanent"],
    ["none", "test the running", 1],
    ["none", "confirm", "none"],
    ["test", "test the other", "test"],
    ["test", "confirm the other", "test"],
    ["test", "confirm", 6],
    ["permanent", "test the other", "permanent"],
    ["permanent", "confirm the running", 6],
    ["revert", "test the other", 6],
    ["revert", "confirm the other", 6],
    ["revert", "confirm", "none"],
  ];
  for (const [situation, what, expected] of table) {
    it(`${typeof expected === "number" ? `is refused with ${expected}` : `leads to ${expected}`}: ${what} when the swap type is ${situation}`, () => {
      const device = inSituation(situation, { legacyState: true });
      assert.equal(
        outcome(device, () => request(device, what)),
        expected,
      );
    });
  }

  it("is refused with SMP-level codes, as those servers knew no others", () => {
    const device = smallDevice({ legacyState: true });
    for (const hash of [undefined, Buffer.alloc(31), Buffer.alloc(32)]) {
      assert.throws(() => device.setState(hash, false), { rc: 3, smpLevel: true });
    }
    upload(device, B);
    device.slot(0, 1).write(SMALL.slotBytes - 16, new Uint8Array(4));
    assert.throws(() => device.setState(hashOf(B), false), { rc: 1, smpLevel: true });
  });
});
