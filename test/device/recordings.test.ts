import assert from "node:assert/strict";
import { VirtualDevice } from "../../src/device/device";
import { serveUdp } from "../../src/device/udp-server";
import { image } from "../../src/smp/commands";
import { imageBytes } from "../images";
import { inProcess, overUdp, call, type Wire } from "./bench";
import { type Adapt, perform, recording, replay } from "./replay";

const makeDevice = (): VirtualDevice =>
  new VirtualDevice({ name: "recorded", profile: "zephyr-3.5", slot0: imageBytes("hash-only-1.0.0.bin") });

/** What the README of the recordings lets differ: texts and values, not their types. */
const adapt: Adapt = ({ note, actual, expected }) => {
  for (const [about, key] of [
    [/OS info/, "output"],
    [/statistics: list/, "stat_list"],
    [/statistics: one group/, "fields"],
  ] as const) {
    if (!about.test(note)) continue;
    assert.equal(typeof actual[key], typeof expected[key], note);
    expected[key] = actual[key];
  }
};

type Connect = (device: VirtualDevice) => Promise<{ wire: Wire; close: () => Promise<void> }>;

const links: Record<string, Connect> = {
  "in process": async (device) => {
    const wire = inProcess(device);
    return { wire, close: async () => wire.close() };
  },
  "over a UDP socket": async (device) => {
    const server = await serveUdp(device, { host: "127.0.0.1", port: 0 });
    const wire = await overUdp(server.address.port);
    return {
      wire,
      close: async () => {
        wire.close();
        await server.close();
      },
    };
  },
};

/** The recording leaves out the chunks between the last two that it shows. */
async function sendLeftOut(wire: Wire, note: string): Promise<void> {
  if (!/the last chunk/.test(note)) return;
  const file = imageBytes("hash-only-1.2.3+4.bin");
  for (let off = 3100; off < 62_500; off += 900) {
    const answer = await call(wire, image.upload, { off, data: file.subarray(off, off + 900) });
    assert.deepEqual(answer, { off: off + 900 });
  }
}

for (const [name, connect] of Object.entries(links)) {
  describe(`recordings of Zephyr 3.5, ${name}`, () => {
    for (const file of ["os-and-errors", "upload", "lifecycle"]) {
      it(`answers every exchange of ${file} as the real server did`, async () => {
        const device = makeDevice();
        const { wire, close } = await connect(device);
        let resets = 0;
        for (const exchange of recording(file)) {
          if (exchange.note.includes("OS reset")) resets += 1;
          await sendLeftOut(wire, exchange.note);
          if (exchange.note.startsWith("---")) await perform(wire, device, { note: exchange.note, resets });
          else await replay(wire, exchange, adapt);
        }
        await close();
        device.close();
      });
    }
  });
}
