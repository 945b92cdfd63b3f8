/** What the recording of MCUboot's recovery was made with, as far as it is needed. */
import assert from "node:assert/strict";
import type { VirtualDevice } from "../../src/device/device";
import { image } from "../../src/smp/commands";
import { buildImage } from "../build-image";
import { call, inProcess } from "./bench";

/** The recorded image is not at hand: one with the same header and length, and so with another hash, stands in. */
export const RECORDED_IMAGE = buildImage({
  version: "0.0.0",
  headerBytes: 512,
  loadAddress: 0x20240000,
  flags: 0x20,
  payloadBytes: 131_924,
});

/** From where the recorded chunks end. @returns the number of requests */
export async function uploadRest(device: VirtualDevice): Promise<number> {
  const wire = inProcess(device);
  let [off, requests] = [248, 0];
  for (; off < RECORDED_IMAGE.length; requests++) {
    const answer = await call(wire, image.upload, { off, data: RECORDED_IMAGE.subarray(off, off + 700) });
    assert.equal(answer["rc"], 0);
    off = answer["off"] as number;
  }
  wire.close();
  return requests;
}
