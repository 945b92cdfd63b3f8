/** Real ports of the system and the real package serialport; needs socat. */
import assert from "node:assert/strict";
import type { SmpError } from "../../../src/errors";
import { serialTransport } from "../../../src/transport/serial";
import type { SerialAddress } from "../../../src/transport/serial/address";
import { type FarEnd, transportContract, type TransportFixture } from "../../transport/contract";
import { SerialPeer } from "../../transport/serial-peer";
import { NEW, SerialBench, type SerialBenchOptions } from "../bench";
import { Pty } from "./socat";

const FOREVER = new AbortController().signal;

for (const framing of ["console", "raw"] as const) {
  transportContract(`serial port, ${framing} framing`, async (): Promise<TransportFixture<SerialAddress>> => {
    const peers = [await SerialPeer.listen(framing), await SerialPeer.listen(framing)] as const;
    const ptys = [await Pty.open(peers[0]), await Pty.open(peers[1])] as const;
    const transport = serialTransport({ framing, lineDelayMs: 0 });
    const farEnd = (index: number): FarEnd => ({
      received: peers[index]!.received,
      send: (frame) => peers[index]!.send(frame),
      vanish: () => {
        ptys[index]!.expectLoss();
        peers[index]!.vanish();
      },
    });
    return {
      transport: {
        ...transport,
        open: async (address, signal) => {
          if (!signal.aborted) await Promise.all(ptys.map((pty) => pty.replug()));
          return await transport.open(address, signal);
        },
      },
      present: [ptys[0].path, ptys[1].path],
      missing: "/dev/no-such-port",
      bad: ["ttyACM0", "COM", "/dev/ttyACM0?baud=0"],
      farEnd: (device) => farEnd(ptys.findIndex(({ path }) => path === device)),
      openLinks: () => ptys[0].openings + ptys[1].openings,
      close: async () => {
        await Promise.all(ptys.map((pty) => pty.close()));
        await Promise.all(peers.map((peer) => peer.close()));
      },
    };
  });
}

describe("serial ports that do not open", () => {
  const open = (path: string) => {
    const transport = serialTransport();
    return transport.open(transport.parse(path), FOREVER);
  };

  it("are told from ports that are in use", async () => {
    const peer = await SerialPeer.listen();
    const pty = await Pty.open(peer);
    const link = await open(pty.path);
    await assert.rejects(open(pty.path), {
      code: "SMP_LINK_OPEN",
      message: /another program has it open/,
      hint: /fuser/,
    });
    await link.close();
    await (await open(pty.path)).close();
    await pty.close();
    await peer.close();
  });

  it("are explained when they are no ports, or not there", async () => {
    await assert.rejects(open("/dev/no-such-port"), {
      message: /there is no such port/,
      hint: /--device \/dev\/no-such-port/,
    });
    await assert.rejects(open("/dev/null"), { message: /it is no serial port/ });
    await assert.rejects(open("/tmp"), { code: "SMP_LINK_OPEN" });
  });
});

describe("updates over a serial port", () => {
  let bench: SerialBench;
  let pty: Pty;
  const start = async (options: SerialBenchOptions = {}): Promise<void> => {
    bench = await SerialBench.start(options);
    pty = await Pty.open(bench);
  };
  afterEach(async () => {
    await bench.close();
    await pty.close();
  });

  for (const framing of ["console", "raw"] as const) {
    it(`upload an image, ${framing} framing`, async () => {
      await start({ framing });
      assert.equal((await bench.upload(NEW, {}, pty.path)).outcome, "uploaded");
    });
  }

  it("survive two line buffers, whatever the port's speed", async () => {
    await start({ lineBuffers: 2, transport: {}, device: { bufSize: 1024 } });
    const { retries } = await bench.upload(NEW, {}, pty.path);
    // Two computers under one roof: now and then a line waits for the other.
    assert.ok(retries <= 2, `${retries} retries`);
  }).timeout(15_000);

  it("go on where they stopped when the cable is pulled and the port comes back", async () => {
    await start();
    let pulled: Promise<void> | undefined;
    const pull = async (): Promise<void> => {
      await pty.unplug();
      await pty.plug();
    };
    const result = await bench.upload(
      NEW,
      { onProgress: ({ offBytes }) => void (offBytes > 10_000 && (pulled ??= pull())) },
      pty.path,
    );
    await pulled;
    assert.equal(result.outcome, "uploaded");
    assert.ok(result.retries > 0 && result.sentBytes < NEW.length + 10_000, `${result.sentBytes} bytes sent`);
  }).timeout(10_000);

  it("leave the port to the next pool when one is closed in the midst", async () => {
    await start();
    const upload = bench.upload(NEW, {}, pty.path).catch((error: SmpError) => error.code);
    while (pty.openings === 0) await new Promise((resolve) => setImmediate(resolve));
    const startMs = performance.now();
    await bench.pool.close();
    const transport = serialTransport();
    const link = await transport.open(transport.parse(pty.path), FOREVER);
    assert.ok(performance.now() - startMs < 3_000);
    await link.close();
    assert.equal(pty.openings, 0);
    assert.equal(await upload, "SMP_CLOSED");
  });
});
