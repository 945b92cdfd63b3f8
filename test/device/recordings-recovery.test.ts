import assert from "node:assert/strict";
import { VirtualDevice } from "../../src/device/device";
import { decodeMessage } from "../../src/smp/message";
import { hashOf } from "../build-image";
import { inProcess, until } from "./bench";
import { RECORDED_IMAGE, uploadRest } from "./recovery-image";
import { type Adapt, recording, replay } from "./replay";

const exchanges = recording("serial-recovery");

const adapt: Adapt = ({ expected }) => {
  const images = expected["images"] as { hash?: Uint8Array }[] | undefined;
  for (const entry of images ?? []) if (entry.hash) entry.hash = hashOf(RECORDED_IMAGE);
};

describe("recording of MCUboot's serial recovery and its application", () => {
  it("stands in for the recorded image with the same first chunk and length", () => {
    const first = exchanges.find(({ note }) => note.includes("first chunk of 250 bytes"))!;
    const { body } = decodeMessage(Buffer.from(first.request!, "hex"));
    assert.deepEqual(Buffer.from(body["data"] as Uint8Array), RECORDED_IMAGE.subarray(0, 250));
    assert.equal(body["len"], RECORDED_IMAGE.length);
  });

  it("is answered the same, frame by frame, by the profile mcuboot-recovery", async () => {
    const device = new VirtualDevice({
      name: "recorded",
      profile: "mcuboot-recovery",
      startsInRecovery: false,
      slot0: RECORDED_IMAGE,
    });
    const wire = inProcess(device);
    // Damaged lines and CR LF are the framing's business: the frame in them is the one that was answered elsewhere.
    const framed = exchanges.filter(({ note }) => !/CR LF|character damaged/.test(note));
    for (const { note, ...frames } of framed) {
      if (note.startsWith("---")) assert.equal(await uploadRest(device), Number(/after (\d+) requests/.exec(note)![1]));
      else await replay(wire, { note, ...frames }, adapt);
      if (note.includes("reset with boot_mode 1")) await until(() => device.state === "recovery");
      if (note === "recovery: reset") await until(() => device.state === "application");
    }
    assert.equal(device.boots, 3);
    device.close();
  });
});
