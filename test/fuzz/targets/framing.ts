import assert from "node:assert/strict";
import * as fc from "fast-check";
import { ConsoleDecoder } from "../../../src/framing/console-decoder";
import { encodeConsole } from "../../../src/framing/console-encoder";
import { RawDecoder, type RawOptions } from "../../../src/framing/raw";
import { FrameAssembler } from "../../../src/framing/stream";
import { MessageFrames } from "../../../src/framing/message-frames";
import { framesOf } from "../../../src/transport/datagram";
import { bytes, damaged, inPieces, pieceLengths } from "../inputs";
import { target } from "../target";
import { frame } from "./smp";

const frames = fc.array(frame, { minLength: 1, maxLength: 4 });
const log = fc.string({ maxLength: 40 }).map((text) =>
  Array.from(text)
    .filter((char) => !"\x04\x06\n".includes(char))
    .join(""),
);
const joined = frames.map((each) => Buffer.concat(each));
const consoleText = frames.map((each) => Buffer.concat(each.flatMap((one) => encodeConsole(one))));
const markers = fc
  .array(
    fc.oneof(
      fc.constantFrom("\x06\x09", "\x04\x14", "\n", "\r\n", "AAAA", "AAoBAg==", "==", "//8=", "\x06", "\x04"),
      fc.base64String({ maxLength: 40 }),
      fc.string({ maxLength: 5 }),
    ),
    { maxLength: 60 },
  )
  .map((parts) => Buffer.from(parts.join(""), "latin1"));
const rawOptions = (onBadHeader: RawOptions["onBadHeader"]): RawOptions => ({
  ops: [0, 1, 2, 3],
  maxFrameBytes: 8 + 0xffff,
  onBadHeader,
});
const total = (parts: readonly Uint8Array[]): number => parts.reduce((sum, { length }) => sum + length, 0);

/** Frames that a serial line carries: no reserved versions and operations. */
const plainFrames = frames.map((each) =>
  each.map((one) => Buffer.concat([Buffer.of(one[0]! & 0b01011), one.subarray(1)])),
);

export const FRAMING_TARGETS = [
  target(
    "console: frames come through between the lines of a log",
    fc.tuple(frames, log, pieceLengths),
    ([sent, text, lengths]) => {
      const stream = Buffer.concat(sent.flatMap((one) => [Buffer.from(`${text}\n`), ...encodeConsole(one)]));
      const decoder = new ConsoleDecoder();
      const received = inPieces(stream, lengths).flatMap((piece) => decoder.take(piece));
      assert.deepEqual(
        received.map((one) => Buffer.from(one)),
        sent.map((one) => Buffer.from(one)),
      );
    },
  ),
  target("console: lines are short and end in LF alone", frame, (sent) => {
    for (const line of encodeConsole(sent)) {
      assert.ok(line.length <= 127);
      assert.equal(line.indexOf(0x0a), line.length - 1);
    }
  }),
  target(
    "console: damaged lines give no wrong frame",
    fc.tuple(damaged(consoleText), pieceLengths),
    ([input, lengths]) => {
      const decoder = new ConsoleDecoder();
      const received = inPieces(input, lengths).flatMap((piece) => decoder.take(piece));
      assert.ok(total(received) <= input.length);
    },
    20,
  ),
  target(
    "console: any markers and base64 end in frames or drops",
    fc.tuple(markers, pieceLengths),
    ([input, lengths]) => {
      const decoder = new ConsoleDecoder(500);
      const received = inPieces(input, lengths).flatMap((piece) => decoder.take(piece));
      for (const one of received) assert.ok(one.length <= 500);
      const { textBytes, lines, packets } = decoder.drops;
      assert.ok(textBytes + lines + packets <= input.length);
    },
    20,
  ),
  target("raw stream: frames come through in any pieces", fc.tuple(plainFrames, pieceLengths), ([sent, lengths]) => {
    const decoder = new RawDecoder(rawOptions("drop-all"));
    const received = inPieces(Buffer.concat(sent), lengths).flatMap((piece) => decoder.take(piece, 0));
    assert.deepEqual(
      received.map((one) => Buffer.from(one)),
      sent,
    );
    assert.equal(decoder.droppedBytes, 0);
  }),
  target(
    "raw stream: any bytes end in frames or drops, and none twice",
    fc.tuple(fc.oneof(bytes(), damaged(joined)), pieceLengths, fc.constantFrom("search", "drop-all")),
    ([input, lengths, onBadHeader]) => {
      const decoder = new RawDecoder(rawOptions(onBadHeader));
      const received = inPieces(input, lengths).flatMap((piece) => decoder.take(piece, 0));
      const rest = input.length - total(received) - decoder.droppedBytes;
      assert.ok(rest >= 0 && rest <= 8 + 0xffff);
      decoder.take(Buffer.alloc(0), 10_000);
      assert.equal(total(received) + decoder.droppedBytes, input.length, "after the pause nothing is held");
    },
    20,
  ),
  target(
    "pieces of packets: frames come through",
    fc.tuple(frames, fc.integer({ min: 1, max: 100 })),
    ([sent, length]) => {
      const assembler = new FrameAssembler();
      const received = sent.flatMap((one) => inPieces(one, [length]).flatMap((piece) => assembler.push(piece) ?? []));
      assert.deepEqual(
        received.map((one) => Buffer.from(one)),
        sent.map((one) => Buffer.from(one)),
      );
      assert.deepEqual([assembler.damaged, assembler.pendingBytes], [0, 0]);
    },
  ),
  target(
    "pieces of packets: any are put together or dropped",
    fc.tuple(fc.oneof(bytes(), damaged(joined)), pieceLengths),
    ([input, lengths]) => {
      const assembler = new FrameAssembler();
      const received = inPieces(input, lengths).flatMap((piece) => assembler.push(piece) ?? []);
      assert.ok(total(received) + assembler.pendingBytes <= input.length);
      assert.ok(assembler.pendingBytes < 8 + 0xffff);
    },
    20,
  ),
  target("datagrams: any bytes are cut without loss", fc.oneof(bytes(), joined, damaged(joined)), (input) => {
    assert.deepEqual(Buffer.concat(framesOf(input)), input);
  }),
];

const answers = frames.map((each) =>
  each.map((one) => Buffer.concat([Buffer.of((one[0]! & 0b1010) | 1), one.subarray(1)])),
);

export const ASSEMBLY_TARGETS = [
  target("messages with pieces: frames come through in order", fc.tuple(answers, pieceLengths), ([sent, lengths]) => {
    const assembly = new MessageFrames({ ops: [1, 3], staleMs: 1_000 });
    const received = sent.flatMap((one) =>
      inPieces(one, lengths).flatMap((piece) => assembly.take("", piece, 0).frames),
    );
    // A piece that is a whole frame by itself counts as one.
    if (received.length === sent.length)
      assert.deepEqual(
        received.map((one) => Buffer.from(one)),
        sent,
      );
    for (const one of sent)
      assert.deepEqual(
        new MessageFrames({ ops: [1, 3], staleMs: 1 }).take("k", one, 0).frames.map((each) => Buffer.from(each)),
        [one],
      );
  }),
  target(
    "messages with pieces: any are put together or dropped",
    fc.tuple(fc.oneof(bytes(), damaged(joined)), pieceLengths, fc.string({ maxLength: 1 })),
    ([input, lengths, key]) => {
      const assembly = new MessageFrames({ ops: [1, 3], staleMs: 1_000 });
      const taken = inPieces(input, lengths).map((piece, index) =>
        assembly.take(index % 3 === 0 ? key : "", piece, index * 50),
      );
      assert.ok(
        taken.reduce((sum, { frames: got, garbage }) => sum + total(got) + (garbage?.length ?? 0), 0) <=
          input.length * 2,
      );
    },
    20,
  ),
];
