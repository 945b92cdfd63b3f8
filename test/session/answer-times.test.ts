import assert from "node:assert/strict";
import { image, os } from "../../src/smp/commands";
import { AnswerTimes } from "../../src/session/answer-times";
import { Learnt } from "../../src/session/learnt";
import { openSession } from "../../src/session/session";
import { useFakeTime } from "./fake-time";
import { afterParameters, ScriptedLink, zephyr } from "./scripted-link";

const USUAL_MS = 2_500;

function measured(...ms: number[]): AnswerTimes {
  const times = new AnswerTimes();
  ms.forEach((each) => times.measured(each));
  return times;
}

const repeat = (count: number, ms: number): number[] => Array<number>(count).fill(ms);

describe("measured answer times", () => {
  it("leave the usual deadline until a few answers were measured", () => {
    assert.equal(measured(...repeat(7, 20)).deadlineMs(USUAL_MS), USUAL_MS);
    assert.ok(measured(...repeat(8, 20)).deadlineMs(USUAL_MS) < USUAL_MS);
  });

  it("make the deadline shorter, but never as short as a busy host's hiccup", () => {
    assert.equal(measured(...repeat(100, 3)).deadlineMs(USUAL_MS), 500);
    const steady = measured(...repeat(100, 400)).deadlineMs(USUAL_MS);
    assert.ok(steady >= 800 && steady < USUAL_MS, `${steady} ms`);
  });

  it("leave room for answers that vary", () => {
    const varying = Array.from({ length: 200 }, (_, index) => 100 + (index % 5) * 200);
    assert.ok(measured(...varying).deadlineMs(10_000) >= 1_800);
  });

  it("remember the page that was erased a hundred chunks ago", () => {
    assert.ok(measured(900, ...repeat(120, 10)).deadlineMs(USUAL_MS) >= 1_800);
  });

  it("forget in the end what was slow once", () => {
    assert.equal(measured(900, ...repeat(300, 10)).deadlineMs(USUAL_MS), 500);
  });

  it("make the deadline longer than usual only when answers came so late", () => {
    assert.equal(measured(4_000).deadlineMs(USUAL_MS), 8_000);
    assert.equal(measured(...repeat(50, 1_200)).deadlineMs(USUAL_MS), 2_400);
  });

  it("never shorten where a repetition does harm", () => {
    assert.equal(measured(...repeat(100, 3)).patienceMs(40_000), 40_000);
    assert.equal(measured(51_000).patienceMs(40_000), 102_000);
  });

  it("must be earned again on a new link, unless they are long", () => {
    const quick = measured(...repeat(100, 3));
    quick.beginSession();
    assert.equal(quick.deadlineMs(USUAL_MS), USUAL_MS);
    const slow = measured(...repeat(100, 3), 6_000);
    slow.beginSession();
    assert.equal(slow.deadlineMs(USUAL_MS), 12_000);
  });
});

describe("session: measured deadlines", () => {
  const time = useFakeTime();

  /** A session on which ten echoes were answered at once. */
  async function wellKnown(learnt = new Learnt()) {
    const link = new ScriptedLink(zephyr);
    const session = await openSession(link, {}, new AbortController().signal, learnt);
    for (let count = 0; count < 10; count++) await session.request(os.echo, { d: "x" });
    link.requests.length = 0;
    return { link, session, learnt };
  }

  it("ask a device that is usually quick again much sooner, and each time later", async () => {
    const { link, session } = await wellKnown();
    link.script = () => undefined;
    const sentMs: number[] = [];
    const send = link.send.bind(link);
    link.send = (...frame) => {
      sentMs.push(performance.now());
      return send(...frame);
    };
    const failed = assert.rejects(session.request(os.echo, { d: "x" }), { code: "SMP_TIMEOUT" });
    const startMs = performance.now();
    await time.pass(500);
    await time.pass(1_000);
    for (let left = 3; left > 0; left--) await time.pass(2_500);
    await failed;
    assert.deepEqual(
      sentMs.map((ms) => ms - startMs),
      [0, 500, 1_500, 3_500, 6_000],
    );
  });

  it("wait as long as ever for what must not be sent twice", async () => {
    const { link, session } = await wellKnown();
    link.script = () => undefined;
    const failed = assert.rejects(session.request(image.writeState, { confirm: true }), {
      details: { timeoutMs: 5_000, frameLength: 18 },
    });
    await time.pass(5_000);
    await failed;
    assert.equal(link.requests.length, 1);
  });

  it("learn from an answer that comes after all, once", async () => {
    const learnt = new Learnt();
    const link = new ScriptedLink(afterParameters(() => undefined));
    const session = await openSession(link, {}, new AbortController().signal, learnt);
    const failed = assert.rejects(session.request(image.readState, {}, { attempts: 1 }), { code: "SMP_TIMEOUT" });
    await time.pass(5_000);
    await failed;
    await time.pass(2_000);
    link.answer(link.last, { images: [] });
    link.answer(link.last, { images: [] });
    await time.pass(1_000);
    assert.equal(learnt.times("image.readState").longestMs, 7_000);
  });

  it("does not take the session's word for how quick the device is on another link", async () => {
    const { learnt } = await wellKnown();
    assert.ok(learnt.times("os.echo").deadlineMs(2_500) < 2_500);
    const link = new ScriptedLink(zephyr);
    await openSession(link, {}, new AbortController().signal, learnt);
    assert.equal(learnt.times("os.echo").deadlineMs(2_500), 2_500);
  });
});

describe("what was learnt", () => {
  it("stays bounded whatever requests are called", () => {
    const learnt = new Learnt();
    const first = learnt.times("raw 1");
    for (let id = 0; id < 100; id++) learnt.times(`raw ${id}`);
    assert.notEqual(learnt.times("raw 1"), first);
  });
});
