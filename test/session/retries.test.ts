import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { SmpError } from "../../src/errors";
import { os } from "../../src/smp/commands";
import { useFakeTime } from "./fake-time";
import { echo, opened } from "./opened";
import { zephyr } from "./scripted-link";

describe("session: retries and aborts", () => {
  const time = useFakeTime();

  it("repeats a repeatable request under a new number until it is answered", async () => {
    const { link, session } = await opened((request, far) => (far.requests.length < 4 ? undefined : zephyr(request)));
    const answer = echo(session, "x");
    await time.pass(2_500);
    await time.pass(2_500);
    assert.deepEqual(await answer, { r: "x" });
    assert.equal(new Set(link.requests.map(({ seq }) => seq)).size, 4);
    assert.deepEqual(
      { ...session.counters },
      {
        requests: 2,
        responses: 2,
        retries: 2,
        timeouts: 2,
        stale: 0,
        malformed: 0,
      },
    );
  });

  it("does not take the late answer to the first copy for the answer to the second", async () => {
    const { link, session } = await opened(() => undefined);
    const answer = echo(session, "x");
    await time.pass(2_500);
    const [, first, second] = link.requests;
    link.answer(first!, { r: "late" });
    link.answer(second!, { r: "in time" });
    assert.deepEqual(await answer, { r: "in time" });
    assert.equal(session.counters.stale, 1);
  });

  for (const rc of [2, 9, 10]) {
    it(`repeats a request that the device did not serve (rc ${rc})`, async () => {
      const { link, session } = await opened((request, far) => (far.requests.length < 4 ? { rc } : zephyr(request)));
      const answer = echo(session, "x");
      await time.pass(100);
      await time.pass(200);
      assert.deepEqual(await answer, { r: "x" });
      assert.equal(link.requests.length, 4);
      assert.equal(session.counters.retries, 2);
    });
  }

  it("gives up after five tries and says what was tried", async () => {
    const { link, session } = await opened(() => undefined);
    const failed = assert.rejects(echo(session, "x"), {
      code: "SMP_TIMEOUT",
      message: /os\.echo from scripted:device \(frame of 13 bytes, try 5 of 5\) did not come within 2\.5 s/,
      details: { timeoutMs: 2_500, frameLength: 13 },
    });
    await time.pass(12_500);
    await failed;
    assert.equal(link.requests.length, 6);
  });

  it("tries as often as the session's and the request's options say", async () => {
    const { link, session } = await opened(() => undefined, { attempts: 2 });
    const bySession = assert.rejects(echo(session, "x", { timeoutMs: 10 }), { code: "SMP_TIMEOUT" });
    await time.pass(20);
    await bySession;
    assert.equal(link.requests.length, 3);
    const byRequest = assert.rejects(echo(session, "x", { timeoutMs: 10, attempts: 5 }), { code: "SMP_TIMEOUT" });
    await time.pass(50);
    await byRequest;
    assert.equal(link.requests.length, 8);
  });

  it("sends what must not be repeated once", async () => {
    const { link, session } = await opened(() => undefined);
    const failed = assert.rejects(session.request(os.reset, {}, { attempts: 3 }), { code: "SMP_TIMEOUT" });
    await time.pass(60_000);
    await failed;
    assert.equal(link.requests.length, 2);
  });

  it("tells the late answers when it gives up", async () => {
    const { link, session } = await opened(() => undefined);
    const failed = assert.rejects(echo(session, "x", { attempts: 2 }), {
      message: /try 2 of 2.*received instead: answers to nobody \(late, repeated or foreign\): 1$/,
    });
    await time.pass(2_500);
    link.answer(link.requests[1]!, { r: "x" });
    await time.pass(2_500);
    await failed;
  });

  it("counts the sending into the deadline", async () => {
    const { link, session } = await opened(zephyr);
    link.send = () => new Promise(() => {});
    const failed = assert.rejects(echo(session, "x", { attempts: 1 }), { code: "SMP_TIMEOUT" });
    await time.pass(2_500);
    await failed;
  });

  it("fails the request with the signal's reason and leaves the others alone", async () => {
    const { link, session } = await opened(() => undefined);
    const controller = new AbortController();
    const reason = new SmpError("SMP_ABORTED", "enough");
    const aborted = assert.rejects(echo(session, "a", { signal: controller.signal }), (error) => error === reason);
    const other = echo(session, "b");
    await time.pass(0);
    controller.abort(reason);
    await aborted;
    link.answer(link.requests[1]!, { r: "a" });
    link.answer(link.requests[2]!, { r: "b" });
    assert.deepEqual(await other, { r: "b" });
    assert.equal(getEventListeners(controller.signal, "abort").length, 0);
  });

  it("sends nothing when aborted before", async () => {
    const { link, session } = await opened(zephyr);
    await assert.rejects(echo(session, "x", { signal: AbortSignal.abort() }), { code: "SMP_ABORTED" });
    assert.equal(link.requests.length, 1);
  });

  it("does not retry against an outer deadline", async () => {
    const { link, session } = await opened(() => undefined);
    const controller = new AbortController();
    const failed = assert.rejects(echo(session, "x", { signal: controller.signal }), /outer/);
    await time.pass(0);
    controller.abort(new SmpError("SMP_TIMEOUT", "the outer work did not come"));
    await failed;
    assert.equal(link.requests.length, 2);
    assert.equal(session.counters.timeouts, 0);
  });
});
