/** Plays a recording of a real server against a virtual device. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { VirtualDevice } from "../../src/device/device";
import { image, os } from "../../src/smp/commands";
import { decodeHeader, HEADER_BYTES } from "../../src/smp/header";
import { type CborMap, decodeMessage } from "../../src/smp/message";
import { imageBytes } from "../images";
import { requestFrame, until, upload, type Wire } from "./bench";

export interface Recorded {
  readonly note: string;
  /** Whole frames in hex. */
  readonly request: string | null;
  readonly response: string | null;
}

export function recording(name: string): Recorded[] {
  const file = readFileSync(join(__dirname, "../recordings", `${name}.json`), "utf8");
  return (JSON.parse(file) as { exchanges: Recorded[] }).exchanges;
}

/** Frames in one packet: those whose length fits, and the one that does not. */
function framesIn(packet: Uint8Array): number {
  let frames = 0;
  for (let at = 0; at + HEADER_BYTES <= packet.length; frames++) {
    at += HEADER_BYTES + decodeHeader(packet.subarray(at)).bodyBytes;
  }
  return frames;
}

/** Puts into what is expected whatever may differ from the recorded build. */
export type Adapt = (exchange: { note: string; actual: CborMap; expected: CborMap }) => void;

/** Sends one recorded request and compares the answer, as maps, with the recorded one. */
export async function replay(wire: Wire, exchange: Recorded, adapt: Adapt = () => undefined): Promise<void> {
  const request = Buffer.from(exchange.request!, "hex");
  if (exchange.response === null) return expectSilence(wire, request);
  wire.send(request);
  const actual = decodeMessage(await wire.receive());
  const expected = decodeMessage(Buffer.from(exchange.response, "hex"));
  adapt({ note: exchange.note, actual: actual.body, expected: expected.body });
  assert.deepEqual(actual, expected, exchange.note);
  // The recorder kept one answer for a packet; every further frame in it has its own.
  for (let further = framesIn(request) - 1; further > 0; further--) decodeMessage(await wire.receive());
  assert.equal(wire.unread, 0, `${exchange.note}: one answer for each request`);
}

/** Requests are served in order, so that the answer to a later one proves that there was none to this. */
export async function expectSilence(wire: Wire, packet: Uint8Array): Promise<void> {
  wire.send(packet);
  const probe = requestFrame(os.echo, { d: "still there?" });
  wire.send(probe);
  const answer = decodeMessage(await wire.receive());
  assert.equal(answer.seq, decodeHeader(probe).seq, "no answer but to the probe");
}

const IMAGES: Record<string, () => Buffer> = {
  A: () => imageBytes("hash-only-1.0.0.bin"),
  B: () => imageBytes("hash-only-1.2.3+4.bin"),
  C: () => imageBytes("hash-only-2.0.0+77.bin"),
};

/** Does what a `---` entry says that happened; `resets` counts those that were asked for so far. */
export async function perform(
  wire: Wire,
  device: VirtualDevice,
  entry: { note: string; resets: number },
): Promise<void> {
  const uploaded = /^--- ([ABC]) (.*)uploaded whole/.exec(entry.note);
  if (uploaded) return uploadWhole(wire, uploaded[1]!, /bit flipped/.test(uploaded[2]!));
  assert.match(entry.note, /^--- the device resets/);
  await until(() => device.boots === 1 + entry.resets && device.state === "application");
}

async function uploadWhole(wire: Wire, letter: string, isDamaged: boolean): Promise<void> {
  const file = IMAGES[letter]!();
  if (isDamaged) file[2_000]! ^= 0x10;
  const sha = createHash("sha256").update(file).digest();
  assert.deepEqual(await upload(wire, image.upload, file, sha), { off: file.length });
}
