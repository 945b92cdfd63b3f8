import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { VirtualDevice } from "../../src/device/device";
import type { VirtualDeviceOptions } from "../../src/device/options";
import { image } from "../../src/smp/commands";
import type { CborMap } from "../../src/smp/message";
import { buildImage, hashOf } from "../build-image";
import { call, inProcess, upload, type Wire } from "./bench";

const OLD = buildImage({ version: "1.2.3" });
const NEW = buildImage({ version: "2.0.0", payloadBytes: 5000 });
const SHA = createHash("sha256").update(NEW).digest();
const FIRST = { off: 0, len: NEW.length, sha: SHA, data: NEW.subarray(0, 100) };

describe("image upload to the virtual device", () => {
  let device: VirtualDevice;
  let wire: Wire;
  const send = (body: CborMap, version = 1): Promise<CborMap> => call(wire, image.upload, body, version);
  const slot1 = (): Uint8Array => device.store.slot(0, 1).read(0, NEW.length);

  function start(options: Partial<VirtualDeviceOptions> = {}): void {
    device = new VirtualDevice({ name: "device", slot0: OLD, ...options });
    wire = inProcess(device);
  }

  beforeEach(() => start());
  afterEach(() => device.close());

  describe("first chunk", () => {
    const wrong: readonly (readonly [what: string, body: CborMap, rc: number])[] = [
      ["without off", { len: 5, data: Buffer.alloc(3) }, 20],
      ["without data", { off: 0, len: NEW.length }, 22],
      ["of 31 bytes, without len", { off: 0, data: NEW.subarray(0, 31) }, 22],
      ["without len, with a wrong magic", { off: 0, data: Buffer.alloc(100) }, 21],
      ["with a wrong magic and a long sha", { ...FIRST, sha: Buffer.alloc(33), data: Buffer.alloc(100) }, 23],
      ["with a sha of 33 bytes, too large", { ...FIRST, sha: Buffer.alloc(33), len: 1e9 }, 24],
      ["too large for the slot, older", { ...FIRST, len: 1e9, data: OLD.subarray(0, 100), upgrade: true }, 30],
    ];
    for (const [what, body, rc] of wrong) {
      it(`${what} is refused with ${rc}, the first of the checks that fails`, async () => {
        assert.deepEqual(await send(body), { err: { group: 1, rc } });
      });
    }

    it("has a reason in words for SMP v1 in builds with verbose errors", async () => {
      start({ profile: "zephyr-3.5" });
      assert.deepEqual(await send({ ...FIRST, len: 1e9 }, 0), { rc: 1, rsn: "img too large" });
      assert.deepEqual(await send({ ...FIRST, len: 1e9 }), { err: { group: 1, rc: 30 } });
    });

    it("of 32 bytes is enough", async () => {
      assert.deepEqual(await send({ ...FIRST, data: NEW.subarray(0, 32) }), { off: 32 });
    });

    it("larger than an image can be is refused where the server knows MCUboot's limit", async () => {
      const limit = device.store.maxImageBytes;
      assert.ok(limit < device.store.slot(0, 1).sizeBytes);
      assert.deepEqual(await send({ ...FIRST, len: limit + 1 }), { err: { group: 1, rc: 30 } });
      start({ maxImageSize: false });
      assert.deepEqual(await send({ ...FIRST, len: limit + 1 }), { off: 100 });
    });

    it("of an image that is linked for another slot is refused where that is checked", async () => {
      const fixed = buildImage({ version: "2.0.0", flags: 0x100, loadAddress: 0xc000 });
      const body = { off: 0, len: fixed.length, data: fixed.subarray(0, 100) };
      start({ slotAddresses: [0xc000, 0x75000] });
      assert.deepEqual(await send(body), { err: { group: 1, rc: 25 } });
      start({ slotAddresses: [0, 0xc000] });
      assert.deepEqual(await send(body), { off: 100 });
    });

    it("with upgrade must be newer than what runs; the build number does not count", async () => {
      for (const [version, isNewer] of [
        ["1.2.2", false],
        ["1.2.3+9", false],
        ["0.9.9", false],
        ["1.2.4", true],
        ["1.10.0", true],
        ["2.0.0", true],
      ] as const) {
        const file = buildImage({ version });
        const body = { off: 0, len: file.length, data: file.subarray(0, 32), upgrade: true };
        assert.deepEqual(await send(body), isNewer ? { off: 32 } : { err: { group: 1, rc: 27 } }, version);
        assert.deepEqual(await send({ ...body, upgrade: false }), { off: 32 });
      }
    });

    it("of the file that is in the slot already ends the upload at once where flash is checked", async () => {
      assert.deepEqual(await upload(wire, image.upload, NEW, SHA), { off: NEW.length, match: true });
      assert.deepEqual(await send(FIRST), { off: NEW.length, match: true });
      assert.deepEqual(await send({ off: NEW.length, data: Buffer.alloc(0) }), { off: 0 });
      start({ imageCheck: false });
      assert.deepEqual(await upload(wire, image.upload, NEW, SHA), { off: NEW.length });
      assert.deepEqual(await send(FIRST), { off: 100 });
    });
  });

  describe("later chunks", () => {
    it("are answered with the wanted offset, 0 without an upload", async () => {
      assert.deepEqual(await send({ off: 100, data: NEW.subarray(100, 200) }), { off: 0 });
      await send(FIRST);
      for (const off of [1, 99, 101, 4000])
        assert.deepEqual(await send({ off, data: NEW.subarray(0, 200) }), { off: 100 });
      assert.deepEqual(await send({ off: 100, data: NEW.subarray(100, 300) }), { off: 300 });
      assert.deepEqual(await send({ off: 100, data: NEW.subarray(100, 300) }), { off: 300 }, "sent twice");
    });

    it("that go beyond len are refused with 31 and end the upload", async () => {
      await send({ ...FIRST, len: 2000 });
      assert.deepEqual(await send({ off: 100, data: Buffer.alloc(1901) }), { err: { group: 1, rc: 31 } });
      assert.deepEqual(await send({ off: 100, data: NEW.subarray(100, 300) }), { off: 0 });
    });

    it("may have any length, and all bytes reach flash", async () => {
      await send(FIRST);
      for (let off = 100, step = 1; off < NEW.length; off += step, step += 7) {
        const answer = await send({ off, data: NEW.subarray(off, off + step) });
        assert.equal(answer["off"], Math.min(off + step, NEW.length));
      }
      assert.deepEqual(Buffer.from(slot1()), NEW);
    });
  });

  it("reaches flash in blocks of 512 bytes", async () => {
    await send({ ...FIRST, data: NEW.subarray(0, 500) });
    assert.ok(device.store.slot(0, 1).isBlank());
    await send({ off: 500, data: NEW.subarray(500, 600) });
    const flash = Buffer.from(slot1());
    assert.deepEqual(flash.subarray(0, 512), NEW.subarray(0, 512));
    assert.ok(flash.subarray(512).every((byte) => byte === 0xff));
  });

  it("resumes with the sha of the running upload, though len and image differ", async () => {
    await send(FIRST);
    await send({ off: 100, data: NEW.subarray(100, 300) });
    assert.deepEqual(await send({ ...FIRST, len: 77_777, image: 3 }), { off: 300 });
  });

  it("resumes with a sha that was cut short, but does not find a match with it", async () => {
    const sha = SHA.subarray(0, 5);
    await send({ ...FIRST, sha });
    await send({ off: 100, data: NEW.subarray(100, 300) });
    assert.deepEqual(await send({ ...FIRST, sha }), { off: 300 });
    assert.deepEqual(await send({ off: 300, data: NEW.subarray(300, 2000) }), { off: 2000 });
    assert.deepEqual(await send({ off: 2000, data: NEW.subarray(2000, 4000) }), { off: 4000 });
    assert.deepEqual(await send({ off: 4000, data: NEW.subarray(4000) }), { off: NEW.length, match: false });
  });

  it("starts over without a sha, or with another", async () => {
    for (const sha of [undefined, Buffer.alloc(0), Buffer.alloc(32, 9), SHA.subarray(0, 31)]) {
      await send(FIRST);
      await send({ off: 100, data: NEW.subarray(100, 300) });
      assert.deepEqual(await send({ ...FIRST, sha }), { off: 100 });
    }
  });

  it("says that flash does not match a sha that is not the file's", async () => {
    assert.deepEqual(await upload(wire, image.upload, NEW, Buffer.alloc(32, 9)), { off: NEW.length, match: false });
    assert.deepEqual(await upload(wire, image.upload, NEW), { off: NEW.length, match: false });
  });

  it("is forgotten after a refusal, and a client has to begin anew", async () => {
    await send(FIRST);
    assert.deepEqual(await send({ ...FIRST, data: Buffer.alloc(32) }), { err: { group: 1, rc: 23 } });
    assert.deepEqual(await send({ off: 100, data: NEW.subarray(100, 300) }), { off: 0 });
  });

  it("is not forgotten after a body that cannot be decoded", async () => {
    await send(FIRST);
    assert.deepEqual(await send({ off: 100, data: "text" }), { rc: 3 });
    assert.deepEqual(await send({ off: 100, data: NEW.subarray(100, 300) }), { off: 300 });
  });

  it("answers the last chunk, sent again, with offset 0", async () => {
    await upload(wire, image.upload, NEW, SHA);
    assert.deepEqual(await send({ off: 4000, data: NEW.subarray(4000) }), { off: 0 });
  });

  it("shows the image in the list only when it is complete", async () => {
    const slots = async (): Promise<number[]> =>
      ((await call(wire, image.readState))["images"] as { slot: number }[]).map(({ slot }) => slot);
    await send(FIRST);
    await send({ off: 100, data: NEW.subarray(100, 2400) });
    assert.deepEqual(await slots(), [0]);
    await upload(wire, image.upload, NEW);
    assert.deepEqual(await slots(), [0, 1]);
  });

  it("clears the trailer of what was in the slot, all at once or page by page", async () => {
    for (const progressiveErase of [false, true]) {
      start({ progressiveErase });
      await upload(wire, image.upload, buildImage({ version: "3.0.0", payloadBytes: 9000 }));
      const hash = hashOf(buildImage({ version: "3.0.0", payloadBytes: 9000 }));
      await call(wire, image.writeState, { hash, confirm: false });
      assert.equal(device.store.swapType(0), "test");
      assert.deepEqual(await upload(wire, image.upload, NEW, SHA), { off: NEW.length, match: true });
      assert.equal(device.store.swapType(0), "none");
      assert.deepEqual(Buffer.from(slot1()), NEW);
    }
  });

  it("erases page by page what the data reaches, and no more, when it erases progressively", async () => {
    start({ progressiveErase: true, slot1: buildImage({ version: "3.0.0", payloadBytes: 9000 }) });
    await send({ ...FIRST, data: NEW.subarray(0, 600) });
    const flash = device.store.slot(0, 1).read(0, 9000);
    assert.ok(flash.subarray(512, 4096).every((byte) => byte === 0xff));
    assert.ok(flash.subarray(4096).some((byte) => byte !== 0xff));
  });

  it("does not go into a slot that is in use: no upload while a trial runs", async () => {
    const trial = buildImage({ version: "3.0.0" });
    start({ slot1: trial });
    device.store.setState(hashOf(trial), false);
    device.store.boot();
    assert.deepEqual(await send(FIRST), { err: { group: 1, rc: 9 } });
    device.store.setState(undefined, true);
    assert.deepEqual(await send(FIRST), { off: 100 });
  });

  it("ignores the image number in a build for one image", async () => {
    assert.deepEqual(await send({ ...FIRST, image: 7 }), { off: 100 });
  });

  it("takes the image number for the image in a build for two, and knows no third", async () => {
    start({ image1Slot0: OLD });
    assert.deepEqual(await send({ ...FIRST, image: 2 }), { err: { group: 1, rc: 9 } });
    await upload(wire, image.upload, NEW, SHA);
    assert.deepEqual(await send({ ...FIRST, image: 1, data: NEW.subarray(0, 600) }), { off: 600 });
    assert.deepEqual(
      Buffer.from(device.store.slot(1, 1).read(0, 512)),
      NEW.subarray(0, 512),
      "it went into slot 1 of image 1",
    );
  });

  it("takes the image number for a slot in builds for direct upload", async () => {
    start({ directUpload: true });
    assert.deepEqual(await send({ ...FIRST, image: 1 }), { err: { group: 1, rc: 9 } }, "slot 0 runs");
    assert.deepEqual(await send({ ...FIRST, image: 2 }), { off: 100 });
    assert.deepEqual(await send({ ...FIRST, image: 0, sha: undefined }), { off: 100 });
    assert.deepEqual(await send({ ...FIRST, image: 3, sha: undefined }), { err: { group: 1, rc: 9 } });
  });

  it("can be refused by the application, chunk by chunk, with a code of its own", async () => {
    start({
      profile: "zephyr-3.5",
      hooks: { uploadChunk: ({ off }) => (off === 0 ? undefined : { group: 64, rc: 300 }) },
    });
    assert.deepEqual(await send(FIRST), { off: 100 });
    assert.deepEqual(await send({ off: 100, data: NEW.subarray(100, 300) }), { err: { group: 64, rc: 300 } });
    assert.deepEqual(await send({ off: 100, data: NEW.subarray(100, 300) }), { off: 0 });
    start({ profile: "zephyr-3.5", hooks: { uploadChunk: () => ({ rc: 11 }) } });
    assert.deepEqual(await send(FIRST), { rc: 11, rsn: "app reject" });
  });
});
