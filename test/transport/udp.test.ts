import FakeTimers from "@sinonjs/fake-timers";
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { SmpError } from "../../src/errors";
import { UDP_PORT, udpTransport } from "../../src/transport/udp";
import type { UdpAddress } from "../../src/transport/udp-address";
import type { Lookup } from "../../src/transport/udp-resolve";
import type { Link } from "../../src/transport/transport";
import { transportContract, type TransportFixture } from "./contract";
import { UdpPeer } from "./udp-peer";

const FOREVER = new AbortController().signal;

function failing(code: string): Lookup {
  return async (host) => {
    throw Object.assign(new Error(`getaddrinfo ${code} ${host}`), { code });
  };
}

const countSockets = (): number => process.getActiveResourcesInfo().filter((each) => /udp/i.test(each)).length;

for (const host of ["127.0.0.1", "::1"]) {
  transportContract(`udp, ${host}`, async (): Promise<TransportFixture<UdpAddress>> => {
    const peers = [new UdpPeer(host), new UdpPeer(host)] as const;
    for (const peer of peers) await peer.listen();
    const udp = udpTransport({ lookup: failing("ENOTFOUND") });
    const peerAt = (address: unknown): UdpPeer => peers.find((peer) => peer.address === address)!;
    return {
      transport: {
        ...udp,
        open: async (address, signal) => {
          const peer = peerAt(udp.key(address));
          await peer?.listen();
          const link = await udp.open(address, signal);
          await peer.meet(link);
          return link;
        },
      },
      present: [peers[0].address, peers[1].address],
      missing: "no-such-host.invalid",
      bad: ["a b", "host:", "host:0", "host:65536", "host:1e3", "[::1", "[::1]1337", "[127.0.0.1]:1337", "1:2:3"],
      farEnd: peerAt,
      openLinks: () => countSockets() - peers.filter(({ isListening }) => isListening).length,
      close: async () => void (await Promise.all(peers.map((peer) => peer.close()))),
    };
  });
}

describe("udp addresses", () => {
  const transport = udpTransport();
  const meant: Record<string, string> = {
    "192.168.1.20": "192.168.1.20:1337",
    " 192.168.1.20:1338\n": "192.168.1.20:1338",
    "Sensor-1.LOCAL": "sensor-1.local:1337",
    "sensor_1:65535": "sensor_1:65535",
    "fühler.example": "xn--fhler-kva.example:1337",
    "2001:DB8:0::1": "[2001:db8::1]:1337",
    "[2001:db8::0:1]": "[2001:db8::1]:1337",
    "[2001:db8::1]:1338": "[2001:db8::1]:1338",
    "fe80::1%eth0": "[fe80::1%eth0]:1337",
    "[fe80::0:1%eth0]:1": "[fe80::1%eth0]:1",
  };
  for (const [written, expected] of Object.entries(meant)) {
    it(`are understood as people write them: ${JSON.stringify(written)}`, () => {
      assert.equal(transport.key(transport.parse(written)), expected);
    });
  }

  it("without a port have the pool's", () => {
    assert.equal(UDP_PORT, 1337);
    const elsewhere = udpTransport({ port: 4000 });
    for (const host of ["sensor", "::1", "[::1]"]) assert.equal(elsewhere.parse(host).port, 4000);
    assert.equal(elsewhere.parse("sensor:1337").port, 1337);
  });

  const wrong: Record<string, RegExp> = {
    "sensor:70000": /a port is a number from 1 to 65535, not "70000" as in "sensor:70000"/,
    "10.1": /host:port or \[IPv6\]:port, not "10\.1"/,
    "1337": /not "1337"/,
    "300.1.1.1": /not "300\.1\.1\.1"/,
    "udp://sensor": /not "\/\/sensor" as in "udp:\/\/sensor"/,
    "sensor/1": /not "sensor\/1"/,
    "a..b": /not "a\.\.b"/,
    "[sensor]:1": /not "\[sensor\]:1"/,
    ":1337": /not ":1337"/,
    "joe:secret@sensor:1337": /not "…@sensor:1337" as in "…@sensor:1337"$/,
    "2001:db8::1::2": /not "2001:db8::1::2"/,
  };
  for (const [written, message] of Object.entries(wrong)) {
    it(`are refused when nobody can have meant them: ${written}`, () => {
      assert.throws(() => transport.parse(written), { code: "SMP_BAD_INPUT", message });
    });
  }
});

describe("udp transport", () => {
  const links: Link[] = [];
  const peer = new UdpPeer("127.0.0.1");
  before(() => peer.listen());
  after(() => peer.close());
  afterEach(async () => {
    await Promise.all(links.splice(0).map((link) => link.close()));
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(countSockets(), 1, "the peer's is the only socket");
  });

  const open = async (address: string, options: Parameters<typeof udpTransport>[0] = {}): Promise<Link> => {
    const transport = udpTransport(options);
    const link = await transport.open(transport.parse(address), FOREVER);
    links.push(link);
    return link;
  };
  const portOf = (address: string): string => address.slice(address.lastIndexOf(":") + 1);
  const first = async (link: Link, count: number): Promise<string[]> => {
    const frames: string[] = [];
    for await (const frame of link.frames) if (frames.push(Buffer.from(frame).toString("hex")) === count) break;
    return frames;
  };

  it("fills no more than one Ethernet packet, or what is set", async () => {
    assert.equal((await open("127.0.0.1")).maxFrameBytes, 1472);
    assert.equal((await open("[::1]")).maxFrameBytes, 1452);
    assert.equal((await open("127.0.0.1", { maxDatagramBytes: 1024 })).maxFrameBytes, 1024);
    assert.equal((await open("[::1]", { maxDatagramBytes: 1472 })).maxFrameBytes, 1452);
  });

  it("takes several frames of one datagram apart", async () => {
    const link = await open(peer.address);
    await peer.meet(link);
    const [one, two] = ["0900000100000106a0", "090000020001000200a0"];
    peer.send(Buffer.from(one + two + "0000", "hex"));
    assert.deepEqual(await first(link, 3), [one, two, "0000"]);
  });

  it("passes a cut-off frame on as it is", async () => {
    const link = await open(peer.address);
    await peer.meet(link);
    peer.send(Buffer.from("09000009000001", "hex"));
    peer.send(Buffer.alloc(0));
    peer.send(Buffer.from("0900000900000106a0", "hex"));
    assert.deepEqual(await first(link, 2), ["09000009000001", "0900000900000106a0"]);
  });

  it("does not hear what others send to its port", async () => {
    const link = await open(peer.address);
    await peer.meet(link);
    const stranger = createSocket("udp4");
    await new Promise((resolve) => stranger.send("another device", peer.clientPort, "127.0.0.1", resolve));
    peer.send(Buffer.from("the device"));
    assert.deepEqual(await first(link, 1), [Buffer.from("the device").toString("hex")]);
    stranger.close();
    await once(stranger, "close");
  });

  it("says that nobody listens on the port, as soon as a frame meets it", async () => {
    const closed = new UdpPeer("127.0.0.1");
    await closed.listen();
    await closed.close();
    const link = await open(closed.address);
    await link.send(Buffer.alloc(8), FOREVER);
    const expected = {
      code: "SMP_LINK_LOST",
      message: `udp:${closed.address} was lost: nobody listens on this port (ECONNREFUSED)`,
      hint: /Check the port \(1337 is usual\)/,
      retryable: true,
    };
    await assert.rejects(first(link, 1), expected);
    await assert.rejects(link.send(Buffer.alloc(8), FOREVER), expected);
  });

  const unresolved: Record<string, [message: RegExp, hint: RegExp]> = {
    ENOTFOUND: [/^the host "sensor\.invalid" was not found: no address is known for this name \(ENOTFOUND\)$/, /mDNS/],
    EAI_AGAIN: [/the name server does not answer \(EAI_AGAIN\)$/, /name server of the host/],
    EAI_FAIL: [/was not found: getaddrinfo EAI_FAIL/, /IP address/],
  };
  for (const [code, [message, hint]] of Object.entries(unresolved)) {
    it(`explains a name that cannot be resolved: ${code}`, async () => {
      await assert.rejects(open("sensor.invalid", { lookup: failing(code) }), { code: "SMP_LINK_OPEN", message, hint });
    });
  }

  describe("while a name server is silent", () => {
    const mute = udpTransport({ lookup: () => new Promise(() => undefined) });

    it("gives up after a while", async () => {
      const clock = FakeTimers.install({ toFake: ["setTimeout", "clearTimeout"] });
      const opening = mute.open(mute.parse("sensor.invalid"), FOREVER);
      const refused = assert.rejects(opening, {
        code: "SMP_LINK_OPEN",
        message: /^the host "sensor\.invalid" was not found: the address of "sensor\.invalid" did not come within 10 s/,
      });
      await clock.tickAsync(10_000);
      clock.uninstall();
      await refused;
    });

    it("stops at once when it is told to", async () => {
      const stop = new AbortController();
      const opening = mute.open(mute.parse("sensor.invalid"), stop.signal);
      const reason = new SmpError("SMP_ABORTED", "changed my mind");
      stop.abort(reason);
      await assert.rejects(opening, reason);
    });
  });

  it("tries IPv4 before IPv6, and IPv6 where there is no way over IPv4", async () => {
    const six = { address: "::1", family: 6 };
    const both = await open(`sensor:${portOf(peer.address)}`, {
      lookup: async () => [six, { address: "127.0.0.1", family: 4 }],
    });
    assert.equal(both.maxFrameBytes, 1472);
    // The kernel sends no datagram to a broadcast address for who did not ask for that.
    const one = await open("sensor", { lookup: async () => [six, { address: "255.255.255.255", family: 4 }] });
    assert.equal(one.maxFrameBytes, 1452);
  });

  it("says why when there is no way to any address", async () => {
    await assert.rejects(open("255.255.255.255"), {
      code: "SMP_LINK_OPEN",
      message: "udp:255.255.255.255:1337 does not open: this host does not let datagrams out to it (EACCES)",
      hint: /firewall/,
    });
  });
});
