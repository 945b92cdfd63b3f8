import assert from "node:assert/strict";
import { VirtualDevice } from "../../src/device/device";
import type { VirtualDeviceOptions } from "../../src/device/options";
import { image } from "../../src/smp/commands";
import { buildImage, hashOf } from "../build-image";
import { call, inProcess, upload, type Wire } from "./bench";

const OLD = buildImage({ version: "1.0.0" });
const NEW = buildImage({ version: "2.0.0+5" });
const NET = buildImage({ version: "7.0.0" });

interface Listed {
  image?: number;
  slot: number;
  version: string;
  active: boolean;
}

describe("image group of the virtual device", () => {
  let device: VirtualDevice;
  let wire: Wire;

  function start(options: Partial<VirtualDeviceOptions> = {}): void {
    device = new VirtualDevice({ name: "device", slot0: OLD, slot1: NEW, ...options });
    wire = inProcess(device);
  }

  const list = async (): Promise<Listed[]> => (await call(wire, image.readState))["images"] as Listed[];

  beforeEach(() => start());
  afterEach(() => device.close());

  it("lists every key of Zephyr's, the lower slot first, and no image number in a build for one image", async () => {
    assert.deepEqual(await call(wire, image.readState), {
      images: [
        {
          slot: 0,
          version: "1.0.0",
          hash: hashOf(OLD),
          bootable: true,
          pending: false,
          confirmed: true,
          active: true,
          permanent: false,
        },
        {
          slot: 1,
          version: "2.0.0.5",
          hash: hashOf(NEW),
          bootable: true,
          pending: false,
          confirmed: false,
          active: false,
          permanent: false,
        },
      ],
      splitStatus: 0,
    });
  });

  it("tells the image number in a build for two, and shows what runs for each in new servers only", async () => {
    for (const [profile, active] of [
      ["zephyr-4.4", true],
      ["zephyr-3.5", false],
    ] as const) {
      start({ image1Slot0: NET, profile });
      const shown = (await list()).map((entry) => [entry.image, entry.slot, entry.active]);
      assert.deepEqual(shown, [
        [0, 0, true],
        [0, 1, false],
        [1, 0, active],
      ]);
    }
  });

  it("answers a state write with the whole list", async () => {
    const written = await call(wire, image.writeState, { hash: hashOf(NEW), confirm: false });
    assert.deepEqual(written, await call(wire, image.readState));
    assert.equal((written["images"] as { pending: boolean }[])[1]!.pending, true);
  });

  it("takes an absent confirm for a test, and an empty hash for none", async () => {
    await call(wire, image.writeState, { hash: hashOf(NEW) });
    assert.equal(device.store.swapType(0), "test");
    start();
    assert.deepEqual(await call(wire, image.writeState, { hash: Buffer.alloc(0) }), { err: { group: 1, rc: 24 } });
    assert.ok("images" in (await call(wire, image.writeState, { hash: Buffer.alloc(0), confirm: true })));
  });

  it("has no state write in direct-XIP mode, nor where it is not built in", async () => {
    start({ mode: "direct-xip", slot1: undefined });
    assert.deepEqual(await call(wire, image.writeState, { confirm: true }), { rc: 8 });
    start({ setState: false });
    assert.deepEqual(await call(wire, image.writeState, { confirm: true }), { rc: 8 });
  });

  describe("erase", () => {
    it("clears slot 1 unless told otherwise", async () => {
      assert.deepEqual(await call(wire, image.erase), {});
      assert.deepEqual(
        (await list()).map(({ slot }) => slot),
        [0],
      );
      assert.ok(device.store.slot(0, 1).isBlank());
    });

    it("counts the slots of all images", async () => {
      start({ image1Slot0: NET, image1Slot1: NEW });
      assert.deepEqual(await call(wire, image.erase, { slot: 3 }), {});
      assert.ok(device.store.slot(1, 1).isBlank());
      assert.ok(!device.store.slot(0, 1).isBlank());
      assert.deepEqual(await call(wire, image.erase, { slot: 4 }), { err: { group: 1, rc: 14 } });
    });

    it("keeps off a slot in use that holds an image", async () => {
      assert.deepEqual(await call(wire, image.erase, { slot: 0 }), { err: { group: 1, rc: 9 } });
      device.store.setState(hashOf(NEW), false);
      device.store.boot();
      assert.deepEqual(await call(wire, image.erase), { err: { group: 1, rc: 9 } }, "the fallback of a trial");
    });

    it("ends a running upload", async () => {
      await call(wire, image.upload, { off: 0, len: 700, data: NEW.subarray(0, 100) });
      await call(wire, image.erase);
      assert.deepEqual(await call(wire, image.upload, { off: 100, data: NEW.subarray(100, 200) }), { off: 0 });
      assert.equal((await upload(wire, image.upload, NEW))["off"], NEW.length);
    });
  });

  describe("slot info", () => {
    it("tells sizes, the number that an upload uses to get there, and the largest image", async () => {
      const size = device.store.slot(0, 0).sizeBytes;
      assert.deepEqual(await call(wire, image.slotInfo), {
        images: [
          {
            image: 0,
            slots: [
              { slot: 0, size },
              { slot: 1, size, upload_image_id: 0 },
            ],
            max_image_size: device.store.maxImageBytes,
          },
        ],
      });
    });

    it("names each slot in builds for direct upload", async () => {
      start({ directUpload: true, image1Slot0: NET });
      const { images } = (await call(wire, image.slotInfo)) as { images: { slots: { upload_image_id: number }[] }[] };
      assert.deepEqual(
        images.map(({ slots }) => slots.map((slot) => slot.upload_image_id)),
        [
          [1, 2],
          [3, 4],
        ],
      );
    });
  });
});
