import assert from "node:assert/strict";
import FakeTimers from "@sinonjs/fake-timers";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { DeviceProcess } from "../device-process";
import { pool, RunningFlow, surrounded, tab, type Msg } from "./flow";

const STEPS = ["state", "upload", "test", "reset", "confirm"];
const FIRMWARE = { firmware: "firmware", firmwareType: "msg", image: "0", imageType: "num" };
const HASH = { hash: "smp.firmware.hash", hashType: "msg" };
const DEVICE = { pool: "pool", device: "topic", deviceType: "msg" };

describe("a pool of devices on UDP ports", () => {
  let flow: RunningFlow;
  afterEach(() => flow.end());

  const load = async (settings: object = {}): Promise<void> => {
    flow = await RunningFlow.load([
      tab,
      pool({ link: "udp", attempts: "1", ...settings }),
      ...surrounded("connect", "smp-connect", DEVICE),
      ...surrounded("state", "smp-image-state", FIRMWARE),
      ...surrounded("upload", "smp-upload", FIRMWARE),
      ...surrounded("test", "smp-test", HASH),
      ...surrounded("reset", "smp-reset", { waitS: "30" }),
      ...surrounded("confirm", "smp-confirm", HASH),
    ]);
  };

  describe("with a virtual device in another process", () => {
    let device: DeviceProcess;
    before(async () => {
      device = await DeviceProcess.start("--pace", "instant");
    });
    after(() => device.stop());

    it("updates it from connect to confirm", async () => {
      await load({ udpPort: String(device.port) });
      let msg: Msg = await flow.ask("connect", { topic: "127.0.0.1", firmware: "sample:1.5.0" });
      const { bufSize: _, bufCount: __, ...facts } = msg["payload"];
      assert.deepEqual(facts, { device: "127.0.0.1", link: "udp", maxFrameBytes: 1472 });
      for (const step of STEPS) msg = await flow.ask(step, msg);
      assert.equal(msg.smp.verdict, "confirmed");
      assert.equal(msg.smp.link, "udp");
      assert.ok(msg["payload"][0].version === "1.5.0" && msg["payload"][0].confirmed);
      assert.equal(flow.all("upload progress").at(-1)!["payload"], 100);
    });

    it("sends no datagram longer than is set", async () => {
      await load({ maxDatagram: "512" });
      const { payload } = await flow.ask("connect", { topic: `127.0.0.1:${device.port}` });
      assert.equal(payload.maxFrameBytes, 512);
    });
  });

  it("says that nobody listens on the port, and what to do", async () => {
    const port = await closedPort();
    await load();
    const { error, smp } = await flow.ask("connect", { topic: `127.0.0.1:${port}` }, "connect error");
    assert.equal(error.code, "SMP_LINK_LOST");
    assert.match(error.message, new RegExp(`udp:127\\.0\\.0\\.1:${port} was lost: nobody listens on this port`));
    assert.match(smp.error.hint, /Check the port \(1337 is usual\)/);
    assert.equal(smp.error.device, `127.0.0.1:${port}`);
  });

  it("says that a name is unknown", async () => {
    // Too long for a label: no name server is asked.
    const name = `${"x".repeat(64)}.invalid`;
    await load();
    const { error } = await flow.ask("connect", { topic: name }, "connect error");
    assert.equal(error.code, "SMP_LINK_OPEN");
    assert.match(error.message, new RegExp(`^the host "${name}" was not found`));
  });

  it("says what an address looks like", async () => {
    await load();
    const { error, smp } = await flow.ask("connect", { topic: "udp://sensor" }, "connect error");
    assert.equal(error.code, "SMP_BAD_INPUT");
    assert.match(error.message, /host, host:port or \[IPv6\]:port/);
    assert.equal(smp.error.field, "device");
  });

  it("says that a device does not answer", async () => {
    const silent = createSocket("udp4").bind(0, "127.0.0.1");
    await once(silent, "listening");
    await load();
    const clock = FakeTimers.install({
      toFake: ["setTimeout", "clearTimeout", "performance"],
      shouldClearNativeTimers: true,
    });
    const { port } = silent.address();
    flow.put("connect", { topic: `127.0.0.1:${port}` });
    while (flow.all("connect error").length === 0) {
      await clock.tickAsync(200);
      await new Promise((resolve) => setImmediate(resolve));
    }
    clock.uninstall();
    silent.close();
    const [{ error, smp }] = flow.all("connect error") as [Msg];
    assert.equal(error.code, "SMP_TIMEOUT");
    assert.match(error.message, new RegExp(`the link to udp:127\\.0\\.0\\.1:${port} is open, but no SMP answer came`));
    assert.match(smp.error.hint, /SMP server/);
  });
});

/** A port of this host that nobody listens on. */
async function closedPort(): Promise<number> {
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address();
  socket.close();
  await once(socket, "close");
  return port;
}
