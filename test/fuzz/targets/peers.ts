/** Both ends against whatever comes over the link. */
import assert from "node:assert/strict";
import * as fc from "fast-check";
import { PROFILES, type ProfileName } from "../../../src/device/profiles";
import { VirtualDevice } from "../../../src/device/device";
import { SmpError } from "../../../src/errors";
import { openSession } from "../../../src/session/session";
import { COMMANDS, os } from "../../../src/smp/commands";
import { decodeMessage, encodeMessage } from "../../../src/smp/message";
import { describeFrame } from "../../../src/trace/described-frame";
import { readDeviceLog } from "../../../src/trace/device-log";
import { pcapng } from "../../../src/trace/pcapng";
import { readTrace, timed } from "../../../src/trace/read";
import { lineOf } from "../../../src/trace/text";
import { buildImage } from "../../build-image";
import { afterParameters, ScriptedLink, zephyr } from "../../session/scripted-link";
import { bytes, cborMap, damaged } from "../inputs";
import { refusedOrDone, target } from "../target";
import { frame } from "./smp";

const IMAGE = buildImage({ version: "1.0.0" });

/** Requests that a server knows, with bodies that nearly fit. */
const request = fc
  .tuple(
    fc.constantFrom(...COMMANDS),
    fc.nat(1),
    fc.nat(255),
    fc.oneof(
      cborMap,
      fc.record(
        {
          off: fc.nat(),
          data: bytes(60),
          len: fc.nat(),
          sha: bytes(40),
          image: fc.nat(3),
          hash: bytes(32),
          confirm: fc.boolean(),
        },
        { requiredKeys: [] },
      ),
    ),
  )
  .map(([row, version, seq, body]) =>
    Buffer.from(
      encodeMessage({ op: row.op === "read" ? 0 : 2, version, group: row.group, id: row.id, seq, body: { ...body } }),
    ),
  );
const packets = fc.array(
  fc.oneof(
    request,
    damaged(request),
    frame.map((each) => Buffer.from(each)),
    bytes(),
  ),
  { minLength: 1, maxLength: 8 },
);

const stamp = {
  n: fc.nat(),
  at: fc.constantFrom("2026-01-31T10:00:00Z", "soon"),
  ms: fc.nat(),
  device: fc.string(),
  link: fc.string(),
};
const traceLine = fc.oneof(
  fc.record(
    {
      kind: fc.constant("frame"),
      ...stamp,
      dir: fc.constantFrom("out", "in"),
      bytes: fc.integer(),
      hex: fc.oneof(fc.string(), fc.stringMatching(/^[0-9a-f]{0,40}$/)),
      body: fc.jsonValue(),
      header: fc.jsonValue(),
      match: fc.jsonValue(),
      command: fc.jsonValue(),
    },
    { requiredKeys: ["kind", "n", "at", "ms", "device", "link", "dir", "bytes", "hex"] },
  ),
  fc.record({
    kind: fc.constantFrom("event", "lost", "trace", "__proto__"),
    ...stamp,
    event: fc.string(),
    text: fc.string(),
    records: fc.nat(),
    version: fc.nat(2),
    frames: fc.string(),
  }),
  fc.jsonValue(),
);
const traceText = fc.oneof(
  fc.array(traceLine, { maxLength: 6 }).map((lines) => lines.map((line) => JSON.stringify(line)).join("\n")),
  fc.string(),
);

/** The device answers at once what it is asked, whatever came before. */
async function stillAnswers(device: VirtualDevice, sent: readonly Uint8Array[]): Promise<void> {
  const answered = new Promise<void>((resolve, reject) => {
    const connection = device.connect({
      frame: (answer) => {
        decodeMessage(answer);
        if (decodeMessage(answer).body["r"] === "last") resolve();
      },
      lost: (reason) => reject(new Error(reason)),
    });
    for (const packet of sent) connection.send(packet);
    connection.send(encodeMessage({ op: 2, version: 1, group: 0, id: 0, seq: 1, body: { d: "last" } }));
  });
  await answered;
}

export const PEER_TARGETS = [
  target(
    "virtual device: any packets are answered or dropped, and the next request is answered",
    fc.tuple(fc.constantFrom(...(Object.keys(PROFILES) as ProfileName[])), packets),
    async ([profile, sent]) => {
      const device = new VirtualDevice({
        name: "d",
        profile,
        slot0: IMAGE,
        slotBytes: 64 * 1024,
        bufCount: 64,
        pace: "instant",
      });
      try {
        const isApplication = device.state === "application";
        const harmless = sent.filter((packet) => !isReset(packet));
        if (isApplication) await stillAnswers(device, harmless);
      } finally {
        device.close();
      }
    },
    2,
  ),
  target(
    "session: whatever comes besides, the answer is found",
    packets,
    async (junk) => {
      const link = new ScriptedLink(
        afterParameters((asked, at) => {
          for (const packet of junk) if (!couldAnswer(packet, asked.seq)) at.inject(packet);
          return zephyr(asked);
        }),
      );
      const session = await openSession(link, { attempts: 1 }, new AbortController().signal);
      try {
        assert.deepEqual(await session.request(os.echo, { d: "x" }), { r: "x" });
        assert.equal(session.endedBy, undefined);
      } finally {
        await session.close();
      }
    },
    5,
  ),
  target(
    "session: an answer of any bytes ends the request, not the session",
    fc.tuple(damaged(frame), cborMap),
    async ([input, body]) => {
      const link = new ScriptedLink(
        afterParameters((asked, at) => {
          at.inject(Buffer.concat([Buffer.of(3, 0, 0, input.length & 0xff, 0, 0, asked.seq, 0), input]));
          return body;
        }),
      );
      const session = await openSession(link, { attempts: 1 }, new AbortController().signal);
      try {
        await session.request(os.echo, { d: "x" }).catch((error: unknown) => assert.ok(error instanceof SmpError));
        assert.equal(session.endedBy, undefined);
      } finally {
        await session.close();
      }
    },
    5,
  ),
  target("trace: any lines are read or refused, printed and made a capture", traceText, (text) => {
    const lines = refusedOrDone(() => readTrace(text));
    for (const { line, wallMs } of timed(lines ?? [])) lineOf(line, wallMs);
    for (const block of pcapng(timed(lines ?? []))) assert.equal(block.length % 4, 0);
  }),
  target("trace: any log of a device is laid beside", fc.string({ maxLength: 80 }), (text) => {
    for (const { wallMs } of readDeviceLog(`[00:00:01.000,000] a\n${text}`, 0)) assert.ok(!Number.isNaN(wallMs));
  }),
  target(
    "trace: any frame is described, as JSON and without what must not be shown",
    fc.tuple(fc.oneof(request, damaged(request), bytes()), bytes(40)),
    ([input, secret]) => {
      const { hex } = describeFrame(input, "whole");
      assert.equal(hex, input.toString("hex"));
      const described = JSON.stringify(describeFrame(input, "described"));
      assert.ok(described.length < 40 * input.length + 1_000);
      if (secret.length < 12) return;
      for (const group of [1, 3, 8, 100]) {
        const body = { off: 0, name: "n", data: secret, val: secret };
        const told = JSON.stringify(
          describeFrame(encodeMessage({ op: 2, version: 1, group, id: 1, seq: 0, body }), "described"),
        );
        assert.ok(!told.includes(secret.toString("hex").slice(4)), told);
      }
    },
  ),
];

/** A reset ends the device's answers for a while, and the text that asks for one may come by chance. */
function isReset(packet: Uint8Array): boolean {
  for (let at = 0; at + 8 <= packet.length; at++) if (packet[at + 5] === 0 && packet[at + 7] === 5) return true;
  return false;
}

function couldAnswer(packet: Uint8Array, seq: number): boolean {
  return packet.length >= 8 && packet[6] === seq;
}
