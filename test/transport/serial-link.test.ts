import assert from "node:assert/strict";
import { parseSerialAddress, SERIAL_DEFAULTS } from "../../src/transport/serial/address";
import { SerialLink } from "../../src/transport/serial/link";
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
