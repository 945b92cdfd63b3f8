import assert from "node:assert/strict";
import { encodeConsole } from "../../src/framing/console-encoder";
import { parseSerialAddress, SERIAL_DEFAULTS } from "../../src/transport/serial/address";
import { SerialLink } from "../../src/transport/serial/link";
import type { FrameFacts } from "../../src/transport/transport";
import { useFakeTime } from "../session/fake-time";

const FOREVER = new AbortController().signal;

/** A link over a stream that tells what is written to it, and writes when it is let. */
function scripted(options = "") {
  const written: Buffer[] = [];
  const faults: { write?: Error } = {};
  const link = new SerialLink(parseSerialAddress(`/dev/ttyACM0${options}`, SERIAL_DEFAULTS));
  link.attach({
    write: async (bytes) => {
      if (faults.write) throw faults.write;
      written.push(Buffer.from(bytes));
    },
    close: async () => undefined,
  });
  return { link, written, faults };
}

describe("serial link, line by line", () => {
  const time = useFakeTime();

  it("leaves a pause after each line, in which a device with two line buffers empties one", async () => {
    const { link, written } = scripted("?linedelay=5");
    const sent = link.send(new Uint8Array(250), FOREVER);
    await time.pass(0);
    assert.equal(written.length, 1);
    await time.pass(4);
    assert.equal(written.length, 1);
    await time.pass(1);
    assert.equal(written.length, 2);
    await time.pass(5);
    assert.equal(written.length, 3);
    await sent;
    assert.equal(time.pending(), 0);
  });

  describe("to a device that may do without pauses", () => {
    const LONG = new Uint8Array(250);
    const LINES = 3;
    const ANSWER = Buffer.concat(encodeConsole(Uint8Array.of(3, 0, 0, 1, 0, 1, 0, 1, 0xa0)));
    const chunk = { command: "image.upload", attempt: 1, timeoutMs: 500 };

    /** @returns in how many pieces a frame was written */
    async function send({ link, written }: ReturnType<typeof scripted>, facts: FrameFacts | undefined = chunk) {
      const before = written.length;
      const sent = link.send(LONG, FOREVER, facts);
      for (let line = 0; line < LINES; line++) await time.pass(5);
      await sent;
      return written.length - before;
    }

    async function sendAnswered(line: ReturnType<typeof scripted>, facts?: FrameFacts): Promise<number> {
      const pieces = await send(line, facts);
      line.link.data(ANSWER);
      return pieces;
    }

    async function learnt(): Promise<ReturnType<typeof scripted>> {
      const line = scripted("?linedelay=5");
      for (let count = 0; count < 4; count++) assert.equal(await sendAnswered(line), LINES);
      return line;
    }

    it("leaves them out once a few frames were answered, for chunks that are soon sent again", async () => {
      const line = await learnt();
      assert.equal(await sendAnswered(line), 1);
      assert.equal(await sendAnswered(line), 1);
    });

    it("makes them for all that must not be lost, and for chunks that are waited for long", async () => {
      const line = await learnt();
      assert.equal(await sendAnswered(line, { ...chunk, timeoutMs: 40_000 }), LINES);
      assert.equal(await sendAnswered(line, { ...chunk, command: "fs.upload" }), LINES);
    });

    it("makes them again after a loss, and tries anew much later", async () => {
      const line = await learnt();
      assert.equal(await send(line), 1);
      for (let count = 0; count < 64; count++) assert.equal(await sendAnswered(line), LINES);
      assert.equal(await send(line), 1);
      for (let count = 0; count < 100; count++) assert.equal(await sendAnswered(line), LINES);
    });
  });

  it("sends raw frames in one piece", async () => {
    const { link, written } = scripted("?framing=raw");
    await link.send(new Uint8Array(250), FOREVER);
    assert.deepEqual(
      written.map((bytes) => bytes.length),
      [250],
    );
  });

  it("is lost when the port cannot be written to", async () => {
    const { link, faults } = scripted();
    faults.write = new Error("Input/output error");
    const lost = { code: "SMP_LINK_LOST", message: "serial:/dev/ttyACM0 was lost: Input/output error" };
    await assert.rejects(link.send(new Uint8Array(9), FOREVER), lost);
    await assert.rejects(async () => {
      for await (const _ of link.frames);
    }, lost);
  });

  it("is closed while a line waits for its turn", async () => {
    const { link } = scripted("?linedelay=1000");
    const sending = assert.rejects(link.send(new Uint8Array(250), FOREVER), {
      code: "SMP_LINK_LOST",
      message: /is closed/,
    });
    await time.pass(1);
    await link.close();
    await sending;
    assert.equal(time.pending(), 0);
  });
});
