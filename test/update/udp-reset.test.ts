import assert from "node:assert/strict";
import { VirtualDevice } from "../../src/device/device";
import { serveUdp } from "../../src/device/udp-server";
import { createPool } from "../../src/session/pool";
import { udpTransport } from "../../src/transport/udp";
import { resetDevice } from "../../src/update/reset-device";
import { buildImage } from "../build-image";
import { useSocketTime } from "./socket-time";

const HOST = "127.0.0.1";

describe("a reset over UDP", () => {
  const time = useSocketTime();

  it("waits for a device whose port is closed while it reboots", async () => {
    let onBoot = (): void => undefined;
    const log = (line: string): void => void (line.startsWith("boot:") && onBoot());
    const device = new VirtualDevice({ name: "sensor", slot0: buildImage({ version: "1.0.0" }), log });
    let server = await serveUdp(device, { host: HOST, port: 0 });
    const { port } = server.address;
    const pool = createPool(udpTransport());
    const refusals = new Set<string>();
    pool.watch(({ lastError }) => void (lastError && refusals.add(lastError.message)));
    onBoot = () => void server.close();
    const openAgain = async (): Promise<void> => {
      while (refusals.size === 0) await new Promise((resolve) => setImmediate(resolve));
      server = await serveUdp(device, { host: HOST, port });
    };
    try {
      const reset = pool.use(`${HOST}:${port}`, { name: "reset" }, (handle) => resetDevice(handle));
      const [{ after, absentMs }] = await time.toEnd(Promise.all([reset, openAgain()]));
      assert.equal(after[0]!.version, "1.0.0");
      assert.ok(absentMs > 0);
      assert.match([...refusals][0]!, /nobody listens on this port/);
    } finally {
      await time.toEnd(pool.close());
      await server.close();
      device.close();
    }
  });
});
