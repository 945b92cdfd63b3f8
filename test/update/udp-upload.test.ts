import assert from "node:assert/strict";
import { VirtualDevice } from "../../src/device/device";
import { serveUdp, type UdpServer } from "../../src/device/udp-server";
import { inspectFirmware } from "../../src/image/inspect";
import { openFirmware } from "../../src/image/source";
import { createPool } from "../../src/session/pool";
import type { SessionCounters } from "../../src/session/types";
import { udpTransport } from "../../src/transport/udp";
import { uploadFirmware } from "../../src/update/upload";
import type { UploadResult } from "../../src/update/types";
import { buildImage } from "../build-image";
import { useSocketTime } from "./socket-time";
import { UdpProxy, type Fate } from "../transport/udp-proxy";

const FILE = buildImage({ version: "1.1.0", payloadBytes: 60_000 });
describe("an upload over UDP", () => {
  const time = useSocketTime();
  let device: VirtualDevice;
  let server: UdpServer;

  beforeEach(async () => {
    device = new VirtualDevice({ name: "sensor", slot0: buildImage({ version: "1.0.0" }), bufCount: 4 });
    server = await serveUdp(device, { host: "127.0.0.1", port: 0 });
  });
  afterEach(async () => {
    device.close();
    await server.close();
  });

  /** Through a network where each datagram meets a fate by lot. */
  async function upload(lot: readonly Fate[]): Promise<UploadResult & { counters: SessionCounters; proxy: UdpProxy }> {
    let drawn = 1;
    const proxy = await UdpProxy.to(server.address.port, () => {
      time.moved();
      drawn = (drawn * 31 + 7) % 1009;
      return lot[drawn % lot.length]!;
    });
    const pool = createPool(udpTransport());
    try {
      const source = await openFirmware(FILE);
      const info = await inspectFirmware(source);
      return await time.toEnd(
        pool.use(`127.0.0.1:${proxy.port}`, { name: "upload" }, async (handle) => {
          const session = await handle.session();
          const result = await uploadFirmware(handle, source, info);
          return { ...result, counters: session.counters, proxy };
        }),
      );
    } finally {
      await time.toEnd(Promise.all([pool.close(), proxy.close()]));
    }
  }

  function assertUploaded(result: UploadResult): void {
    assert.equal(result.outcome, "uploaded");
    const slot = Buffer.from(device.store.slot(0, 1).read(0, FILE.length));
    assert.ok(slot.equals(FILE), "the slot holds the file's bytes");
  }

  it("needs no repetition on a good network", async () => {
    const result = await upload(["pass"]);
    assertUploaded(result);
    assert.deepEqual([result.retries, result.counters.stale, result.counters.timeouts], [0, 0, 0]);
  });

  it("takes each answer once when every datagram comes twice, and counts the others", async () => {
    const result = await upload(["twice"]);
    assertUploaded(result);
    assert.ok(result.counters.stale > result.counters.responses, "each request is answered up to four times");
  });

  it("ends with the file in the slot when datagrams overtake each other", async () => {
    const result = await upload(["pass", "pass", "late"]);
    assertUploaded(result);
    assert.ok(result.proxy.fates.late > 10);
  });

  it("ends with the file in the slot when datagrams are lost", async () => {
    const result = await upload([...Array<Fate>(9).fill("pass"), "lose"]);
    assertUploaded(result);
    assert.ok(result.proxy.fates.lose > 5 && result.retries > 0);
  });

  it("ends with the file in the slot when all of that happens", async () => {
    const result = await upload([...Array<Fate>(10).fill("pass"), "lose", "twice", "late", "twice"]);
    assertUploaded(result);
    const { pass: _, ...bad } = result.proxy.fates;
    assert.ok(
      Object.values(bad).every((each) => each > 3),
      JSON.stringify(bad),
    );
    assert.ok(result.counters.stale > 0 && result.retries > 0);
  });
});
