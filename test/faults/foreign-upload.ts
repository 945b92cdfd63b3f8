/** Another client sends some of an image of its own, or all of it. */
import { createHash } from "node:crypto";
import type { VirtualDevice } from "../../src/device/device";
import type { Exchange } from "../../src/device/exchange";
import { image as imageGroup } from "../../src/smp/commands";
import { OP } from "../../src/smp/header";
import { encodeMessage } from "../../src/smp/message";
import type { Files } from "./files";
import type { Scenario } from "./scenario";

const CHUNK_BYTES = 200;

interface Upload {
  readonly device: VirtualDevice;
  readonly scenario: Scenario;
  readonly files: Files;
  /** About how much of it, in percent. */
  readonly amount: number;
}

/** @returns whether it has changed the free slot */
export function uploadForeign(exchange: Exchange, { device, scenario, files, amount }: Upload): boolean {
  const { foreign } = files;
  const { image, mode } = scenario;
  const sha = createHash("sha256").update(foreign).digest();
  // With direct-XIP a whole one would run, and rightly so.
  const share = mode === "direct-xip" ? Math.min(amount, 70) : amount;
  const end = Math.min(foreign.length, Math.ceil((foreign.length * (share + 10)) / 100));
  const slotBefore = freeSlot(device, image);
  for (let off = 0; off < end; off += CHUNK_BYTES) {
    const data = foreign.subarray(off, Math.min(off + CHUNK_BYTES, end));
    const body = off === 0 ? { image, len: foreign.length, off, sha, data } : { off, data };
    exchange.inject(encodeMessage({ ...imageGroup.upload, op: OP.WRITE, version: 1, seq: 0, body }));
  }
  return !freeSlot(device, image).equals(slotBefore);
}

function freeSlot({ store }: VirtualDevice, image: number): Buffer {
  return Buffer.from(store.snapshot(image, 1 - store.activeSlot(image)));
}
