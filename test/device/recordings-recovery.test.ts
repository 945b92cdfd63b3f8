import assert from "node:assert/strict";
import { VirtualDevice } from "../../src/device/device";
import { image } from "../../src/smp/commands";
import { decodeMessage } from "../../src/smp/message";
import { buildImage, hashOf } from "../build-image";
import { call, inProcess, until, type Wire } from "./bench";
import { type Adapt, recording, replay } from "./replay";

const exchanges = recording("serial-recovery");

/** The recorded image is not at hand: one with the same header and length, and so with another hash, stands in. */
const IMAGE = buildImage({
  version: "0.0.0",
  headerBytes: 512,
  loadAddress: 0x20240000,
  flags: 0x20,
  payloadBytes: 131_924,
});

const adapt: Adapt = ({ expected }) => {
  const images = expected["images"] as { hash?: Uint8Array }[] | undefined;
  for (const entry of images ?? []) if (entry.hash) entry.hash = hashOf(IMAGE);
};

async function uploadRest(wire: Wire): Promise<number> {
  let [off, requests] = [248, 0];
  for (; off < IMAGE.length; requests++) {
    const answer = await call(wire, image.upload, { off, data: IMAGE.subarray(off, off + 700) });
    assert.equal(answer["rc"], 0);
    off = answer["off"] as number;
  }
  return requests;
}

describe("recording of MCUboot's serial recovery and its application", () => {
  it("stands in for the recorded image with the same first chunk and length", () => {
    const first = exchanges.find(({ note }) => note.includes("first chunk of 250 bytes"))!;
    const { body } = decodeMessage(Buffer.from(first.request!, "hex"));
    assert.deepEqual(Buffer.from(body["data"] as Uint8Array), IMAGE.subarray(0, 250));
    assert.equal(body["len"], IMAGE.length);
  });

  it("is answered the same, frame by frame, by the profile mcuboot-recovery", async () => {
    const device = new VirtualDevice({
      name: "recorded",
      profile: "mcuboot-recovery",
      startsInRecovery: false,
      slot0: IMAGE,
    });
    const wire = inProcess(device);
    // Damaged lines and CR LF are the framing's business: the frame in them is the one that was answered elsewhere.
    const framed = exchanges.filter(({ note }) => !/CR LF|character damaged/.test(note));
    for (const { note, ...frames } of framed) {
      if (note.startsWith("---")) assert.equal(await uploadRest(wire), Number(/after (\d+) requests/.exec(note)![1]));
      else await replay(wire, { note, ...frames }, adapt);
      if (note.includes("reset with boot_mode 1")) await until(() => device.state === "recovery");
      if (note === "recovery: reset") await until(() => device.state === "application");
    }
    assert.equal(device.boots, 3);
    device.close();
  });
});
