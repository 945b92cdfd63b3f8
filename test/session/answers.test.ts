import assert from "node:assert/strict";
import { os } from "../../src/smp/commands";
import { useFakeTime } from "./fake-time";
import { echo, opened } from "./opened";
import { isEcho, zephyr } from "./scripted-link";
import { makePool, operation } from "./scripted-transport";

describe("session: answers", () => {
  const time = useFakeTime();

  it("gives the checked body of the answer", async () => {
    const { session } = await opened(zephyr);
    assert.deepEqual(await echo(session, "hello"), { r: "hello" });
  });

  it("numbers requests one after the other, and 0 follows 255", async () => {
    const { link, session } = await opened(zephyr);
    for (let count = 0; count < 300; count++) await echo(session, "x");
    const sequence = link.requests.map(({ seq }) => seq);
    sequence.slice(1).forEach((seq, index) => assert.equal(seq, (sequence[index]! + 1) % 256));
  });

  it("starts somewhere else in each session", async () => {
    const starts = await Promise.all(
      Array.from({ length: 20 }, async () => (await opened(zephyr)).link.requests[0]!.seq),
    );
    assert.ok(new Set(starts).size > 1);
  });

  it("never gives a number again that waits for its answer or has not got one", async () => {
    let mute = true;
    const { link, session } = await opened((request) => (mute ? undefined : zephyr(request)));
    const timedOut = assert.rejects(echo(session, "lost", { attempts: 1, timeoutMs: 10 }), { code: "SMP_TIMEOUT" });
    await time.pass(10);
    await timedOut;
    const waiting = echo(session, "waits", { timeoutMs: 60_000 });
    await time.pass(0);
    const [lost, waits] = link.requests.slice(1);
    mute = false;
    for (let count = 0; count < 600; count++) await echo(session, "x");
    const later = link.requests.slice(3).map(({ seq }) => seq);
    assert.ok(!later.includes(lost!.seq));
    assert.ok(!later.includes(waits!.seq));
    link.answer(waits!, { r: "at last" });
    assert.deepEqual(await waiting, { r: "at last" });
  });

  it("drops answers that are another's by number, group, command or operation, and counts them", async () => {
    const { link, session } = await opened((request, far) => {
      far.answer(request, { r: "wrong" }, { seq: (request.seq + 1) % 256 });
      far.answer(request, { r: "wrong" }, { group: 1 });
      far.answer(request, { r: "wrong" }, { id: 7 });
      far.answer(request, { r: "wrong" }, { op: 1 });
      far.answer(request, { r: "wrong" }, { op: 2 });
      return zephyr(request);
    });
    assert.deepEqual(await echo(session, "right"), { r: "right" });
    assert.equal(session.counters.stale, 5);
    assert.equal(link.requests.length, 2);
  });

  it("drops repeated answers", async () => {
    const { session } = await opened((request, far) => {
      far.answer(request, zephyr(request));
      return zephyr(request);
    });
    assert.deepEqual(await echo(session, "a"), { r: "a" });
    assert.deepEqual(await echo(session, "b"), { r: "b" });
    assert.equal(session.counters.stale, 2);
    assert.equal(session.counters.responses, 3);
  });

  it("accepts answers of version 0 to requests of version 1", async () => {
    const { session } = await opened((request, far) => far.answer(request, zephyr(request), { version: 0 }));
    assert.deepEqual(await echo(session, "old"), { r: "old" });
  });

  it("reports a refusal and stays usable", async () => {
    const { session } = await opened((request) => (isEcho(request) ? zephyr(request) : { rc: 8 }));
    await assert.rejects(session.request(os.info, {}), { code: "SMP_DEVICE", details: { rc: 8, rcName: "ENOTSUP" } });
    assert.equal(session.endedBy, undefined);
    assert.deepEqual(await echo(session, "still here"), { r: "still here" });
  });

  it("reports an answer of the wrong shape by its field and stays usable", async () => {
    const { session } = await opened((request) => (request.body["d"] === "ok" ? { r: "ok" } : { r: 5 }));
    await assert.rejects(echo(session, "x"), { code: "SMP_BAD_RESPONSE", message: /os\.echo\.r: expected text/ });
    assert.deepEqual(await echo(session, "ok"), { r: "ok" });
  });

  it("of a device's next session have other numbers than those before, so that late ones do not fit", async () => {
    const { pool, transport } = makePool();
    const seen: number[] = [];
    transport.script = (request) => {
      seen.push(request.seq);
      return zephyr(request);
    };
    for (let session = 0; session < 3; session++) {
      await pool.use("a", operation("echo"), async (device) => {
        await echo(await device.session(), "x");
        await device.drop();
      });
    }
    assert.deepEqual(
      seen,
      seen.map((_, index) => (seen[0]! + index) % 256),
    );
    assert.equal(seen.length, 6);
  });
});
