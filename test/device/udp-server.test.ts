import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { VirtualDevice } from "../../src/device/device";
import { serveUdp, type UdpServer } from "../../src/device/udp-server";
import { os } from "../../src/smp/commands";
import { buildImage } from "../build-image";
import { ask, call, overUdp, requestFrame, turns, until, type Wire } from "./bench";

describe("virtual device on a UDP port", () => {
  let device: VirtualDevice;
  let server: UdpServer;
  let wire: Wire;

  beforeEach(async () => {
    device = new VirtualDevice({ name: "device", slot0: buildImage({ version: "1.0.0" }) });
    server = await serveUdp(device, { host: "127.0.0.1", port: 0 });
    wire = await overUdp(server.address.port);
  });
  afterEach(async () => {
    wire.close();
    device.close();
    await server.close();
  });

  it("tells the port that it was given", () => {
    assert.equal(server.address.host, "127.0.0.1");
    assert.ok(server.address.port > 0);
  });

  it("answers each client at its own address", async () => {
    const other = await overUdp(server.address.port);
    assert.deepEqual(await Promise.all([call(wire, os.echo, { d: "1" }), call(other, os.echo, { d: "2" })]), [
      { r: "1" },
      { r: "2" },
    ]);
    other.close();
  });

  it("answers two requests of one datagram with two datagrams", async () => {
    const requests = [requestFrame(os.echo, { d: "1" }), requestFrame(os.echo, { d: "2" })];
    wire.send(Buffer.concat(requests));
    const answers = [await wire.receive(), await wire.receive()];
    assert.deepEqual(
      answers.map((frame) => frame[6]),
      requests.map((frame) => frame[6]),
    );
  });

  it("cuts a datagram off at 1500 bytes, though the server's buffer holds more", async () => {
    const largest = "x".repeat(1500 - 8 - 6);
    assert.deepEqual(await call(wire, os.echo, { d: largest }), { r: largest });
    assert.deepEqual((await ask(wire, requestFrame(os.echo, { d: `${largest}y` }))).body, { rc: 9 });
  });

  it("is silent while the device is off, and answers the same client when it is back", async () => {
    assert.deepEqual(await call(wire, os.echo, { d: "x" }), { r: "x" });
    device.powerOff();
    wire.send(requestFrame(os.echo, { d: "unheard" }));
    await turns();
    device.powerOn();
    await until(() => device.state === "application");
    assert.deepEqual(await call(wire, os.echo, { d: "back" }), { r: "back" });
    assert.equal(wire.unread, 0);
  });

  it("goes on serving after clients that are gone", async () => {
    for (let client = 0; client < 70; client++) {
      const socket = createSocket("udp4");
      const packet = requestFrame(os.echo, { d: "x" });
      await new Promise((resolve) => socket.send(packet, server.address.port, "127.0.0.1", resolve));
      socket.close();
    }
    await turns();
    assert.deepEqual(await call(wire, os.echo, { d: "y" }), { r: "y" });
  });

  it("says which port is taken", async () => {
    const { port } = server.address;
    await assert.rejects(serveUdp(device, { host: "127.0.0.1", port }), {
      code: "SMP_LINK_OPEN",
      message: new RegExp(`cannot listen on UDP 127.0.0.1 port ${port}: .*EADDRINUSE`),
    });
  });

  it("answers no more after close", async () => {
    await server.close();
    await server.close();
    const again = await serveUdp(device, { host: "127.0.0.1", port: server.address.port });
    await again.close();
  });
});
