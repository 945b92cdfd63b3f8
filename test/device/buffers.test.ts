import assert from "node:assert/strict";
import { VirtualDevice } from "../../src/device/device";
import type { VirtualDeviceOptions } from "../../src/device/options";
import { os } from "../../src/smp/commands";
import { decodeMessage } from "../../src/smp/message";
import { buildImage } from "../build-image";
import { call, inProcess, requestFrame, type Wire } from "./bench";

describe("buffers of the virtual device", () => {
  let device: VirtualDevice;
  let wire: Wire;

  function start(options: Partial<VirtualDeviceOptions>): void {
    device = new VirtualDevice({ name: "device", slot0: buildImage({ version: "1.0.0" }), ...options });
    wire = inProcess(device);
  }

  afterEach(() => device.close());

  /** Sends so many echoes at once; gives those that are answered. */
  async function burst(count: number): Promise<unknown[]> {
    for (let number = 0; number < count; number++) wire.send(requestFrame(os.echo, { d: String(number) }));
    const answered: unknown[] = [];
    let probe: unknown;
    for (let frame = await wire.receive(); ; frame = await wire.receive()) {
      const { r, rc } = decodeMessage(frame).body;
      if (r === "last") return answered;
      answered.push(r ?? `rc ${String(rc)}`);
      probe ??= wire.send(requestFrame(os.echo, { d: "last" })) ?? true;
    }
  }

  it("tells its size and number of buffers", async () => {
    start({ bufSize: 500, bufCount: 3 });
    assert.deepEqual(await call(wire, os.parameters), { buf_size: 500, buf_count: 3 });
  });

  it("has no such command when it is not built in", async () => {
    start({ parameters: false });
    assert.deepEqual(await call(wire, os.parameters), { rc: 8 });
  });

  it("serves bufCount − 1 requests at once, in order, and drops the rest in silence", async () => {
    start({ bufCount: 4 });
    assert.deepEqual(await burst(10), ["0", "1", "2"]);
    start({ bufCount: 2 });
    assert.deepEqual(await burst(3), ["0"]);
  });

  it("has its buffers back after a burst", async () => {
    start({ bufCount: 3 });
    for (let round = 0; round < 5; round++) assert.deepEqual(await burst(2), ["0", "1"]);
  });

  it("answers rc 2 in the request's own buffer when there is no second one", async () => {
    start({ bufCount: 1 });
    assert.deepEqual(await call(wire, os.echo, { d: "x" }), { rc: 2 });
  });

  it("lets a client that waits for each answer go on for ever, though it sends at once", async () => {
    start({ profile: "mcuboot-recovery", recovery: { ...RECOVERY, echo: true } });
    for (let number = 0; number < 20; number++) {
      assert.deepEqual(await call(wire, os.echo, { d: String(number) }), { r: String(number) });
    }
  });

  it("cuts off what exceeds a buffer, so that a frame that is too long is answered with rc 9", async () => {
    start({ bufSize: 100 });
    const longest = "x".repeat(100 - 8 - 5);
    assert.deepEqual(await call(wire, os.echo, { d: longest + "y" }), { rc: 9 });
    assert.deepEqual(await call(wire, os.echo, { d: "x".repeat(80) }), { r: "x".repeat(80) });
  });
});

const RECOVERY = {
  bufSize: 1024,
  parameters: true,
  echo: true,
  alignBytes: 8,
  directUpload: false,
  listsFirstImage: true,
};
