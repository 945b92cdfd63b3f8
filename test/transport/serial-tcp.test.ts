import assert from "node:assert/strict";
import { encodeConsole } from "../../src/framing/console-encoder";
import { serialTransport } from "../../src/transport/serial";
import type { SerialAddress } from "../../src/transport/serial/address";
import type { Link } from "../../src/transport/transport";
import { transportContract, type TransportFixture } from "./contract";
import { SerialPeer } from "./serial-peer";

const FOREVER = new AbortController().signal;
const HELLO = Buffer.from("0a00000900004200a161646568656c6c6f", "hex");

async function closedPort(): Promise<number> {
  const peer = await SerialPeer.listen();
  await peer.close();
  return peer.port;
}

for (const framing of ["console", "raw"] as const) {
  transportContract(`serial over TCP, ${framing} framing`, async (): Promise<TransportFixture<SerialAddress>> => {
    const peers = [await SerialPeer.listen(framing), await SerialPeer.listen(framing)] as const;
    return {
      transport: serialTransport({ framing, lineDelayMs: 0 }),
      present: [peers[0].address, peers[1].address],
      missing: `tcp://127.0.0.1:${await closedPort()}`,
      bad: ["tcp://", "tcp://host", "tcp://host:0", "tcp://host:65536", "tcp://a:1?baud=9600", "ttyACM0", "usb:1:2"],
      farEnd: (device) => peers.find(({ address }) => address === device)!,
      openLinks: () => peers[0].connections + peers[1].connections,
      close: async () => void (await Promise.all(peers.map((peer) => peer.close()))),
    };
  });
}

describe("serial link", () => {
  let peer: SerialPeer;
  let link: Link;
  const open = async (options = ""): Promise<Link> => {
    const transport = serialTransport();
    return (link = await transport.open(transport.parse(`${peer.address}${options}`), FOREVER));
  };
  const received = async (count: number): Promise<void> => {
    while (peer.received.length < count) await new Promise((resolve) => setImmediate(resolve));
  };
  const next = async (): Promise<Uint8Array | undefined> => {
    for await (const frame of link.frames) return frame;
    return undefined;
  };

  beforeEach(async () => {
    peer = await SerialPeer.listen();
  });
  afterEach(async () => {
    await link.close();
    await peer.close();
  });

  it("ends what a server may have in its line buffer before the first request, and only then", async () => {
    await open();
    await link.send(HELLO, FOREVER);
    await link.send(HELLO, FOREVER);
    await received(2);
    const line = Buffer.concat(encodeConsole(HELLO)).toString("latin1");
    assert.equal(peer.bytes.toString("latin1"), `\n${line}${line}`);
  });

  it("lets one request be under way, and tells what its framing takes of a server's buffer", async () => {
    const { maxInFlight, bufferOverheadBytes } = await open();
    assert.deepEqual({ maxInFlight, bufferOverheadBytes }, { maxInFlight: 1, bufferOverheadBytes: 4 });
    await link.close();
    assert.equal((await open("?framing=raw")).bufferOverheadBytes, 0);
  });

  it("sends a frame whole though another is given meanwhile", async () => {
    await open("?linedelay=1");
    const long = Buffer.concat([HELLO, Buffer.alloc(500, 0x41)]);
    await Promise.all([link.send(long, FOREVER), link.send(HELLO, FOREVER)]);
    await received(2);
    assert.deepEqual(
      peer.received.map((frame) => frame.length),
      [long.length, HELLO.length],
    );
  });

  it("leaves the line usable when a frame is given up between its lines", async () => {
    await open("?linedelay=200");
    const controller = new AbortController();
    const sending = link.send(Buffer.concat([HELLO, Buffer.alloc(500)]), controller.signal);
    while (peer.bytes.length === 0) await new Promise((resolve) => setImmediate(resolve));
    controller.abort();
    await assert.rejects(sending, { code: "SMP_ABORTED" });
    await link.send(HELLO, FOREVER);
    await received(1);
    assert.deepEqual(
      peer.received.map((frame) => Buffer.from(frame)),
      [HELLO],
    );
  });

  it("passes over logs, and says of them when no answer comes", async () => {
    await open();
    await link.send(HELLO, FOREVER);
    await received(1);
    peer.write("[00:00:01] <inf> app: hello\r\n\x06\x09broken\n");
    peer.send(HELLO);
    assert.deepEqual(Buffer.from((await next())!), HELLO);
    assert.equal(link.describeDrops!(), "29 bytes of other text, 1 damaged line");
  });

  it("says why a terminal server cannot be reached, and what to do", async () => {
    await open();
    const transport = serialTransport();
    const port = await closedPort();
    await assert.rejects(transport.open(transport.parse(`tcp://127.0.0.1:${port}`), FOREVER), {
      code: "SMP_LINK_OPEN",
      message: `cannot connect to the terminal server tcp://127.0.0.1:${port}: connect ECONNREFUSED 127.0.0.1:${port}`,
      hint: /Start the terminal server/,
    });
    await assert.rejects(transport.open(transport.parse("tcp://no-such-host.invalid:1"), FOREVER), {
      code: "SMP_LINK_OPEN",
      hint: /host name|name server/,
    });
  });
});
