import assert from "node:assert/strict";
import { sleep } from "../../src/clock";
import { VirtualDevice } from "../../src/device/device";
import {
  answerGarbage,
  answerWrongSequence,
  duplicateAnswer,
  loseAnswer,
  loseRequest,
  nth,
  only,
  rebootInstead,
  truncateAnswer,
} from "../../src/device/faults";
import type { VirtualDeviceOptions } from "../../src/device/options";
import { createPool } from "../../src/session/pool";
import type { DeviceHandle, SessionPool, SmpSession } from "../../src/session/types";
import { image, os } from "../../src/smp/commands";
import { virtualTransport } from "../../src/transport/virtual";
import { imageBytes } from "../images";
import { useFakeTime } from "./fake-time";
import { operation } from "./scripted-transport";

const firmware = imageBytes("hash-only-1.0.0.bin");

describe("session with a virtual device", () => {
  // Before the fake time, whose hook would otherwise take the fake timers away first: Node spins when it is told to clear one.
  afterEach(async () => {
    await pool.close();
    device.close();
    assert.equal(time.pending(), 0);
  });

  const time = useFakeTime();
  let device: VirtualDevice;
  let pool: SessionPool;

  /** Runs work on a new device's handle while time flies. */
  async function withDevice<T>(
    options: Partial<VirtualDeviceOptions>,
    work: (handle: DeviceHandle) => Promise<T>,
  ): Promise<T> {
    device = new VirtualDevice({ name: "sensor-1", slot0: firmware, ...options });
    pool = createPool(
      virtualTransport({ find: (name) => (name === "sensor-1" ? device : undefined), names: () => [] }),
    );
    const result = pool.use("sensor-1", operation("test"), work);
    await Promise.all([result.catch(() => {}), time.pass(60_000)]);
    return await result;
  }

  const echo = (session: SmpSession, d: string) => session.request(os.echo, { d });

  for (const profile of ["zephyr-4.4", "zephyr-3.5", "zephyr-3.4", "zephyr-3.2"] as const) {
    it(`reads parameters and state of ${profile}`, async () => {
      await withDevice({ profile }, async (handle) => {
        const session = await handle.session();
        assert.equal(session.maxFrameBytes, device.profile.bufSize);
        assert.equal(session.maxInFlight, device.profile.bufCount - 1);
        const { images } = await session.request(image.readState, {});
        assert.equal(images[0]!.version, "1.0.0");
        assert.equal(session.counters.retries, 0);
      });
    });
  }

  it("assumes the defaults when the parameters command is not built in", async () => {
    await withDevice({ parameters: false }, async (handle) => {
      const session = await handle.session();
      assert.equal(session.maxFrameBytes, 384);
      assert.equal(session.maxInFlight, 1);
    });
  });

  it("sends the largest frame that the device takes", async () => {
    await withDevice({ bufSize: 512, bufCount: 4 }, async (handle) => {
      const session = await handle.session();
      // The answer is a byte longer than the request, for its map is of indefinite length.
      const d = "x".repeat(512 - 15);
      assert.deepEqual(await echo(session, d), { r: d });
      await assert.rejects(echo(session, `${d}xx`), { code: "SMP_FRAME_TOO_LARGE" });
    });
  });

  it("never overruns the device's buffers", async () => {
    await withDevice({ bufCount: 4, pace: "real" }, async (handle) => {
      const session = await handle.session();
      const texts = Array.from({ length: 20 }, (_, index) => `text ${index}`);
      const answers = await Promise.all(texts.map((text) => echo(session, text)));
      assert.deepEqual(
        answers.map(({ r }) => r),
        texts,
      );
      assert.equal(session.counters.timeouts, 0);
    });
  });

  const faults = {
    loseRequest,
    loseAnswer,
    answerWrongSequence,
    answerGarbage: answerGarbage(),
    truncate: truncateAnswer(10),
  };
  for (const [name, fault] of Object.entries(faults)) {
    it(`gets over ${name} by asking again`, async () => {
      await withDevice({}, async (handle) => {
        const session = await handle.session();
        device.faults.add(only(os.echo, nth(1, fault)));
        assert.deepEqual(await echo(session, "x"), { r: "x" });
        assert.equal(session.counters.retries, 1);
      });
    });
  }

  it("drops duplicates", async () => {
    await withDevice({}, async (handle) => {
      const session = await handle.session();
      device.faults.add(only(os.echo, duplicateAnswer));
      for (const text of ["a", "b", "c"]) assert.deepEqual(await echo(session, text), { r: text });
      assert.equal(session.counters.stale, 3);
    });
  });

  it("reports a refusal in the device's own words", async () => {
    await withDevice({}, async (handle) => {
      const session = await handle.session();
      const unknown = session.request(image.writeState, { hash: Buffer.alloc(32, 1), confirm: false });
      await assert.rejects(unknown, { code: "SMP_DEVICE", message: /group 1, rc 8/ });
      assert.equal(session.endedBy, undefined);
    });
  });

  it("notices the reboot in the middle of a request, and gets a new session when the device is back", async () => {
    await withDevice({ pace: { bootMs: 1_000 } }, async (handle) => {
      const before = await handle.session();
      device.faults.add(only(os.echo, nth(1, rebootInstead)));
      await assert.rejects(echo(before, "x"), {
        code: "SMP_LINK_LOST",
        message: /virtual:sensor-1 was lost: .*sensor-1 is gone/,
      });
      await before.ended;
      await assert.rejects(handle.session(), { code: "SMP_LINK_OPEN", message: /booting/ });
      while (device.state === "booting") await sleep(100);
      assert.deepEqual(await echo(await handle.session(), "back"), { r: "back" });
    });
  });

  it("fails with a cure when the link opens but the server is mute", async () => {
    const mute = withDevice({}, async (handle) => {
      device.faults.add(loseRequest);
      await handle.session();
    });
    await assert.rejects(mute, {
      code: "SMP_TIMEOUT",
      message: /the link to virtual:sensor-1 is open, but no SMP answer/,
    });
  });
});
