import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ConsoleDecoder } from "../../src/framing/console-decoder";
import { encodeConsole } from "../../src/framing/console-encoder";
import { crc16 } from "../../src/framing/crc16";
import { RandomBytes } from "./random-bytes";

interface Recorded {
  readonly note: string;
  readonly request: string;
  readonly response: string | null;
  readonly requestLines: string[] | null;
  readonly responseLines: string[] | null;
}

const file = readFileSync(join(__dirname, "../recordings/serial-recovery.json"), "utf8");
const recorded = (JSON.parse(file) as { exchanges: Recorded[] }).exchanges.filter(({ requestLines }) => requestLines);
const SPOILT = /CR LF|character damaged|log text/;

const latin1 = (lines: readonly (Uint8Array | string)[]): string =>
  lines.map((line) => (typeof line === "string" ? line : Buffer.from(line).toString("latin1"))).join("");
const decode = (text: string, decoder = new ConsoleDecoder()): string[] =>
  decoder.take(Buffer.from(text, "latin1")).map((frame) => Buffer.from(frame).toString("hex"));
const encode = (frame: Uint8Array): string => latin1(encodeConsole(frame));
const hex = (frame: Uint8Array): string => Buffer.from(frame).toString("hex");
const HELLO = Buffer.from("0a00000900004200a161646568656c6c6f", "hex");
const frameOf = (bytes: number): Buffer => Buffer.from(Array.from({ length: bytes }, (_, i) => (i * 7 + bytes) % 256));

describe("CRC-16/XMODEM", () => {
  it("gives the published check value", () => {
    assert.equal(crc16(Buffer.from("123456789")), 0x31c3);
  });

  it("is 0 over a text and its own CRC", () => {
    const crc = Buffer.alloc(2);
    crc.writeUInt16BE(crc16(HELLO));
    assert.equal(crc16(Buffer.concat([HELLO, crc])), 0);
  });
});

describe("SMP over console, as a real server and client spoke it", () => {
  for (const { note, request, requestLines } of recorded.filter((each) => !SPOILT.test(each.note))) {
    it(`writes the lines of the request: ${note}`, () => {
      assert.deepEqual(
        encodeConsole(Buffer.from(request, "hex")).map((line) => Buffer.from(line).toString("latin1")),
        requestLines,
      );
    });
  }

  for (const { note, response, responseLines } of recorded.filter((each) => each.response)) {
    it(`reads the lines of the answer: ${note}`, () => {
      assert.deepEqual(decode(latin1(responseLines!)), [response]);
      assert.equal(encode(Buffer.from(response!, "hex")), latin1(responseLines!));
    });
  }

  it("passes over a log text, and reads CR LF as a Zephyr application does", () => {
    for (const note of [/log text/, /CR LF/]) {
      const spoilt = recorded.find((each) => note.test(each.note))!;
      assert.deepEqual(decode(latin1(spoilt.requestLines!)), [spoilt.request]);
    }
  });

  it("drops the packet with a damaged character", () => {
    const damaged = recorded.find(({ note }) => /character damaged/.test(note))!;
    const decoder = new ConsoleDecoder();
    assert.deepEqual(decode(latin1(damaged.requestLines!), decoder), []);
    assert.equal(decoder.drops.packets, 1);
  });
});

describe("console encoder", () => {
  it("writes the worked examples of one and of two lines", () => {
    assert.equal(encode(HELLO), "\x06\x09ABMKAAAJAABCAKFhZGVoZWxsb0YZ\n");
    const frame = Buffer.concat([Buffer.from("0a00006900004300a161647864", "hex"), Buffer.alloc(100, "A")]);
    const [first, second] = encodeConsole(frame).map((line) => Buffer.from(line).toString("latin1"));
    assert.equal(first, `\x06\x09AHMKAABpAABDAKFhZHhk${"QUFB".repeat(26)}\n`);
    assert.equal(second, "\x04\x14QUFBQUFBQUFBQUFBQUFBQUFBQUFBQSUe\n");
  });

  it("needs the known number of lines, none longer than 127 bytes", () => {
    const counts = { 18: 1, 89: 1, 90: 2, 182: 2, 183: 3, 380: 5, 1020: 12 };
    for (const [bytes, lines] of Object.entries(counts)) {
      const encoded = encodeConsole(frameOf(Number(bytes)));
      assert.equal(encoded.length, lines, `${bytes} bytes`);
      for (const line of encoded) assert.ok(line.length <= 127 && line.at(-1) === 0x0a);
    }
  });

  it("refuses a frame whose length cannot be told", () => {
    assert.throws(() => encodeConsole(new Uint8Array(0xffff)), { code: "SMP_FRAME_TOO_LARGE" });
  });
});

describe("console decoder", () => {
  it("gives back what was encoded, of every length and in every cutting", () => {
    const random = new RandomBytes(1);
    for (const bytes of [1, 8, 88, 89, 90, 91, 92, 93, 181, 182, 183, 500, 1020, 5_000, 0xffff - 2]) {
      const decoder = new ConsoleDecoder();
      const frames = random
        .pieces(Buffer.from(encode(frameOf(bytes)), "latin1"), 200)
        .flatMap((at) => decoder.take(at));
      assert.deepEqual(frames.map(hex), [hex(frameOf(bytes))], `${bytes} bytes`);
      assert.deepEqual(decoder.drops, { textBytes: 0, lines: 0, packets: 0 });
    }
  });

  it("takes a CRC that two lines share, as MCUboot sends it, and one that was moved, as Zephyr does", () => {
    const frame = Buffer.concat([Buffer.from("0a00005200000100a16164784d", "hex"), Buffer.alloc(77, "A")]);
    assert.equal(encodeConsole(frame)[1]!.length, 2 + 4 + 1, "one byte of the CRC alone");
    assert.deepEqual(decode(encode(frame)), [hex(frame)]);
    const packet = Buffer.concat([Buffer.from([0, 92]), frame, Buffer.from([0xac, 0x4c])]);
    const moved = [packet.subarray(0, 90), packet.subarray(90)].map((part) => part.toString("base64"));
    assert.deepEqual(decode(`\x06\x09${moved[0]}\n\x04\x14${moved[1]}\n`), [hex(frame)]);
    const padded = [packet.subarray(0, 92), packet.subarray(92)].map((part) => part.toString("base64"));
    assert.deepEqual(decode(`\x06\x09${padded[0]}\n\x04\x14${padded[1]}\n`), [hex(frame)]);
  });

  it("finds frames between logs, prompts, colours and CR LF", () => {
    const frame = frameOf(200);
    const [one, two, three] = encodeConsole(frame).map((line) => Buffer.from(line).toString("latin1"));
    const log = "[00:00:01.000,000] \x1b[1;33m<wrn> app: hot\x1b[0m\r\n";
    const stream = `${log}uart:~$ ${one}${log}\x1b[0m${two!.replace("\n", "\r\n")}${log}${three}${log}`;
    assert.deepEqual(decode(stream + encode(HELLO)), [hex(frame), hex(HELLO)]);
  });

  it("loses one packet, and no more, to a log text inside a line", () => {
    const line = encode(HELLO);
    for (const log of ["<inf> tick\n", "<inf> tick"]) {
      const decoder = new ConsoleDecoder();
      assert.deepEqual(decode(`${line.slice(0, 12)}${log}${line.slice(12)}${line}`, decoder), [hex(HELLO)]);
      assert.equal(decoder.drops.lines, 1);
    }
  });

  it("begins anew when a packet begins in the midst of another", () => {
    const [first] = encodeConsole(frameOf(200));
    const decoder = new ConsoleDecoder();
    assert.deepEqual(decode(latin1([first!, encode(HELLO)]), decoder), [hex(HELLO)]);
    assert.deepEqual(decode(latin1([first!.subarray(0, 60), encode(HELLO)]), decoder), [hex(HELLO)]);
    assert.equal(decoder.drops.packets, 1);
  });

  it("passes over lines that go on with nothing, and packets that are too long or empty", () => {
    const [, second] = encodeConsole(frameOf(200));
    const decoder = new ConsoleDecoder(100);
    assert.deepEqual(decode(latin1([second!, encode(frameOf(101)), encode(frameOf(100))]), decoder), [
      hex(frameOf(100)),
    ]);
    for (const empty of ["\x06\x09\n", "\x06\x09AA==\n", "\x06\x09AAA=\n", "\x06\x09AAIAAA==\n", "\x04\x14\n"]) {
      assert.deepEqual(decode(empty + encode(HELLO), decoder), [hex(HELLO)], JSON.stringify(empty));
    }
  });

  it("does not take a single control character for a marker", () => {
    assert.deepEqual(decode(`\x06\x06\x04\x06${encode(HELLO)}\x04`), [hex(HELLO)]);
  });

  it("holds neither an endless line nor an endless packet", () => {
    const decoder = new ConsoleDecoder();
    assert.deepEqual(decode("\x06\x09" + "A".repeat(100_000), decoder), []);
    assert.equal(decoder.drops.lines, 1);
    assert.ok(decoder.drops.textBytes > 98_000, "dropped while it comes");
    assert.deepEqual(decode("\x06\x09//8=\n" + "\x04\x14\n".repeat(1_000), decoder), []);
    assert.equal(decoder.drops.lines, 1_001, "lines that carry nothing are not kept");
    assert.deepEqual(decode(encode(HELLO), decoder), [hex(HELLO)]);
  });

  it("finds every frame in random noise without line ends or markers, cut anywhere", () => {
    for (let seed = 1; seed <= 200; seed++) {
      const random = new RandomBytes(seed);
      const frames = Array.from({ length: 5 }, () => random.bytes(1 + random.below(600)));
      const noise = (): Buffer =>
        random.bytes(random.below(300)).map((byte) => (byte === 4 || byte === 6 ? 7 : byte)) as Buffer;
      const stream = Buffer.concat(frames.flatMap((frame) => [noise(), ...encodeConsole(frame)]));
      const decoder = new ConsoleDecoder();
      const found = random.pieces(stream, 1 + random.below(300)).flatMap((piece) => decoder.take(piece));
      assert.deepEqual(found.map(hex), frames.map(hex), `seed ${seed}`);
    }
  });

  it("never makes a frame of a damaged stream that was not sent, and finds the next one", () => {
    for (let seed = 1; seed <= 300; seed++) {
      const random = new RandomBytes(seed);
      const sent = Array.from({ length: 6 }, () => random.bytes(1 + random.below(400)));
      const stream = Buffer.concat(sent.flatMap((frame) => encodeConsole(frame)));
      for (let hits = random.below(20); hits > 0; hits--) stream[random.below(stream.length)]! ^= 1 << random.below(8);
      const decoder = new ConsoleDecoder();
      const found = random.pieces(stream, 100).flatMap((piece) => decoder.take(piece));
      const known = new Set(sent.map(hex));
      for (const frame of found) assert.ok(known.has(hex(frame)), `seed ${seed}`);
      assert.deepEqual(decode(`\n${encode(HELLO)}`, decoder).at(-1), hex(HELLO), `seed ${seed}`);
    }
  });
});
