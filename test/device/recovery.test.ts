import assert from "node:assert/strict";
import { VirtualDevice } from "../../src/device/device";
import type { VirtualDeviceOptions } from "../../src/device/options";
import { PROFILES, type RecoveryProfile } from "../../src/device/profiles";
import { image, os } from "../../src/smp/commands";
import { OP } from "../../src/smp/header";
import type { CborMap } from "../../src/smp/message";
import { buildImage, hashOf } from "../build-image";
import { ask, call, inProcess, requestFrame, until, type Wire } from "./bench";

const OLD = buildImage({ version: "1.0.0" });
const NEW = buildImage({ version: "2.0.0", payloadBytes: 1500 });

describe("serial recovery of the virtual device", () => {
  let device: VirtualDevice;
  let wire: Wire;
  const send = (body: CborMap): Promise<CborMap> => call(wire, image.upload, body);

  function start(options: Partial<VirtualDeviceOptions> = {}, recovery: Partial<RecoveryProfile> = {}): void {
    device = new VirtualDevice({
      name: "device",
      profile: "mcuboot-recovery",
      slot0: OLD,
      recovery: { ...PROFILES["mcuboot-recovery"].recovery!, ...recovery },
      ...options,
    });
    wire = inProcess(device);
  }

  beforeEach(() => start());
  afterEach(() => device.close());

  it("is silent where a frame is short, no request, or longer than its header says", async () => {
    const probe = requestFrame(os.consoleEcho, { echo: false });
    const response = Buffer.from(probe);
    response[0] = 0x0b;
    for (const packet of [probe.subarray(0, 7), response, Buffer.concat([probe, Buffer.of(0)])]) wire.send(packet);
    assert.deepEqual((await ask(wire, probe)).body, { rc: 0 });
    assert.equal(wire.unread, 0);
  });

  it("accepts a header that promises more than arrived", async () => {
    const frame = Buffer.from(requestFrame(os.consoleEcho, {}));
    frame.writeUInt16BE(500, 2);
    assert.deepEqual((await ask(wire, frame)).body, { rc: 0 });
  });

  it("copies the version bits, and answers in the form of SMP v1 whatever they are", async () => {
    for (const version of [0, 1, 3]) {
      const answer = await ask(wire, requestFrame(image.erase, {}, version));
      assert.deepEqual([answer.version, answer.op, answer.body], [version, OP.WRITE_RESPONSE, { rc: 8 }]);
    }
  });

  it("serves one frame at a time and loses what comes meanwhile", async () => {
    wire.send(requestFrame(os.consoleEcho, {}));
    wire.send(requestFrame(os.consoleEcho, {}));
    await wire.receive();
    assert.deepEqual(await call(wire, os.parameters), { buf_size: 1024, buf_count: 1 });
    assert.equal(wire.unread, 0);
  });

  it("echoes only where that is built in", async () => {
    assert.deepEqual(await call(wire, os.echo, { d: "x" }), { rc: 8 });
    start({}, { echo: true, parameters: false });
    assert.deepEqual(await call(wire, os.echo, { d: "x" }), { r: "x" });
    assert.deepEqual(await call(wire, os.echo, {}), { rc: 3 });
    assert.deepEqual(await call(wire, os.parameters), { rc: 8 });
  });

  it("lists only what MCUboot would boot, with no flags", async () => {
    start({ slot1: buildImage({ version: "3.0.0", corrupt: true }) });
    assert.deepEqual(await call(wire, image.readState), {
      images: [{ slot: 0, hash: hashOf(OLD), version: "1.0.0" }],
    });
    start({ image1Slot0: NEW });
    assert.deepEqual(await call(wire, image.readState), {
      images: [
        { image: 0, slot: 0, hash: hashOf(OLD), version: "1.0.0" },
        { image: 1, slot: 0, hash: hashOf(NEW), version: "2.0.0" },
      ],
    });
  });

  it("takes the place of an application that is not valid, and the upload of a good one heals the device", async () => {
    start({ slot0: undefined, startsInRecovery: false });
    assert.equal(device.state, "recovery");
    for (let off = 0; off < NEW.length;) {
      const answer = await send({ off, ...(off === 0 ? { len: NEW.length } : {}), data: NEW.subarray(off, off + 400) });
      off = answer["off"] as number;
    }
    assert.deepEqual(await call(wire, os.reset), { rc: 0 });
    await until(() => device.state === "application");
    assert.equal(device.version, "2.0.0");
  });

  it("does not run an application whose upload was left off", async () => {
    await send({ off: 0, len: NEW.length, data: NEW.subarray(0, 800) });
    await call(wire, os.reset);
    await until(() => device.boots === 2 && device.state !== "booting");
    assert.equal(device.state, "recovery");
  });

  describe("upload", () => {
    it("erases the slot that runs before the first answer, whatever the data is", async () => {
      assert.deepEqual(await send({ off: 0, len: 64, data: Buffer.alloc(64) }), { rc: 0, off: 64 });
      assert.deepEqual(await call(wire, image.readState), { images: [] });
    });

    it("stores whole units of flash only, but the last chunk as it is", async () => {
      assert.deepEqual(await send({ off: 0, len: 25, data: NEW.subarray(0, 7) }), { rc: 0, off: 0 });
      assert.deepEqual(await send({ off: 0, len: 25, data: NEW.subarray(0, 23) }), { rc: 0, off: 16 });
      assert.deepEqual(await send({ off: 16, data: NEW.subarray(16, 25) }), { rc: 0, off: 25 });
      assert.deepEqual(Buffer.from(device.store.slot(0, 0).read(0, 25)), NEW.subarray(0, 25));
    });

    it("ignores sha, and starts over with each first chunk", async () => {
      const first = { off: 0, len: NEW.length, sha: Buffer.alloc(32, 1), data: NEW.subarray(0, 80) };
      assert.deepEqual(await send(first), { rc: 0, off: 80 });
      assert.deepEqual(await send({ off: 80, data: NEW.subarray(80, 160) }), { rc: 0, off: 160 });
      assert.deepEqual(await send(first), { rc: 0, off: 80 });
    });

    it("at an offset that is not the expected one is answered with that, and changes nothing in flash", async () => {
      await send({ off: 0, len: NEW.length, data: NEW.subarray(0, 80) });
      await send({ off: 80, data: NEW.subarray(80, 160) });
      for (const off of [8, 80, 152, 240, NEW.length]) {
        assert.deepEqual(await send({ off, data: Buffer.alloc(80, 0x55) }), { rc: 0, off: 160 });
      }
      const written = Buffer.from(device.store.slot(0, 0).read(0, 240));
      assert.deepEqual(written, Buffer.concat([NEW.subarray(0, 160), Buffer.alloc(80, 0xff)]));
    });

    it("goes on over a new link, but not after a restart of the bootloader", async () => {
      await send({ off: 0, len: NEW.length, data: NEW.subarray(0, 80) });
      wire = inProcess(device);
      assert.deepEqual(await send({ off: 80, data: NEW.subarray(80, 160) }), { rc: 0, off: 160 });
      await call(wire, os.reset);
      await until(() => device.boots === 2 && device.state === "recovery");
      wire = inProcess(device);
      assert.deepEqual(await send({ off: 160, data: NEW.subarray(160, 240) }), { rc: 0, off: 0 });
    });

    it("still wants the end of a file that is complete", async () => {
      await send({ off: 0, len: 64, data: NEW.subarray(0, 64) });
      assert.deepEqual(await send({ off: 32, data: NEW.subarray(32, 64) }), { rc: 0, off: 64 });
    });

    const wrong: readonly (readonly [what: string, body: CborMap])[] = [
      ["no off", { len: 64, data: Buffer.alloc(64) }],
      ["no data", { off: 0, len: 64 }],
      ["no len", { off: 0, data: Buffer.alloc(64) }],
      ["a len beyond the slot", { off: 0, len: 1e9, data: Buffer.alloc(64) }],
      ["an image that there is not", { off: 0, len: 64, image: 1, data: Buffer.alloc(64) }],
      ["text for data", { off: 0, len: 64, data: "text" }],
    ];
    for (const [what, body] of wrong) {
      it(`with ${what} is answered with rc 3`, async () => {
        assert.deepEqual(await send(body), { rc: 3 });
      });
    }

    it("of more than len is answered with rc 3", async () => {
      await send({ off: 0, len: 64, data: NEW.subarray(0, 56) });
      assert.deepEqual(await send({ off: 56, data: Buffer.alloc(9) }), { rc: 3 });
    });

    it("goes into the slot that image names in builds for direct upload", async () => {
      start({ image1Slot0: NEW }, { directUpload: true });
      for (const [number, at, slot] of [
        [1, 0, 0],
        [2, 0, 1],
        [3, 1, 0],
        [4, 1, 1],
      ] as const) {
        await send({ off: 0, len: 64, image: number, data: Buffer.alloc(16, number) });
        assert.equal(device.store.slot(at, slot).read(0, 1)[0], number);
      }
      assert.deepEqual(await send({ off: 0, len: 64, image: 5, data: Buffer.alloc(16) }), { rc: 3 });
    });
  });
});
