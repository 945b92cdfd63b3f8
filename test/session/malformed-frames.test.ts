import assert from "node:assert/strict";
import { os } from "../../src/smp/commands";
import { useFakeTime } from "./fake-time";
import { echo, opened } from "./opened";
import { zephyr } from "./scripted-link";

describe("session: what is no SMP message", () => {
  const time = useFakeTime();

  it("is dropped and counted", async () => {
    const { session } = await opened((request, far) => {
      far.inject(Buffer.from("*** Booting Zephyr ***"));
      far.inject(Buffer.alloc(0));
      far.inject(Buffer.from("010000", "hex"));
      return zephyr(request);
    });
    assert.deepEqual(await echo(session, "x"), { r: "x" });
    assert.equal(session.counters.malformed, 3);
  });

  it("is told by the timeout that follows", async () => {
    const { session } = await opened((_, far) => far.inject(Buffer.from("hello")));
    const failed = assert.rejects(echo(session, "x", { attempts: 1 }), {
      code: "SMP_TIMEOUT",
      message:
        "the answer to os.echo from scripted:device (frame of 13 bytes, sent once) did not come within 2.5 s; received instead: " +
        "frames that are no SMP message: 1, the last 5 bytes 68656c6c6f: frame of 5 bytes is shorter than the 8-byte SMP header",
    });
    await time.pass(2_500);
    await failed;
  });

  it("fails the request whose answer it would have been", async () => {
    const { session } = await opened((request, far) => {
      far.inject(Uint8Array.of(0x0b, 0, 0, 9, 0, 0, request.seq, request.id, 0xa0));
      return undefined;
    });
    await assert.rejects(session.request(os.reset, {}), {
      code: "SMP_BAD_FRAME",
      message: /answer to os\.reset from scripted:device is garbled: .*announce a body of 9 bytes, but 1 arrived/,
    });
  });

  it("makes a repeatable request be sent again", async () => {
    const { link, session } = await opened((request, far) => {
      if (far.requests.length > 2) return zephyr(request);
      return far.inject(Uint8Array.of(0x0b, 0, 0, 1, 0, 0, request.seq, request.id, 0xff));
    });
    assert.deepEqual(await echo(session, "x"), { r: "x" });
    assert.equal(link.requests.length, 3);
    assert.equal(session.counters.retries, 1);
  });

  it("includes answers of reserved versions", async () => {
    const { session } = await opened((request, far) => far.answer(request, {}, { version: 3 }));
    await assert.rejects(session.request(os.reset, {}), { code: "SMP_BAD_FRAME", message: /version bits 3/ });
    assert.equal(session.counters.malformed, 1);
  });
});
