import assert from "node:assert/strict";
import { after, sleep } from "../../src/clock";
import { SmpError } from "../../src/errors";
import { openSession } from "../../src/session/session";
import { os } from "../../src/smp/commands";
import type { FrameFacts, Unanswerable } from "../../src/transport/transport";
import { useFakeTime } from "./fake-time";
import { echo } from "./opened";
import { isParameters, ScriptedLink, zephyr, type Script } from "./scripted-link";

const MAX_ROUND_TRIP_MS = 30_000;

/** A medium that takes seconds, has to be waited for, and whose far end tells what it cannot do. */
class SlowLink extends ScriptedLink {
  readonly maxRoundTripMs = MAX_ROUND_TRIP_MS;
  readonly maxSendMs = 60_000;
  readonly told: FrameFacts[] = [];
  waitMs = 0;
  tell: (unanswerable: Unanswerable) => void = () => {};

  watchUnanswerable(listener: (unanswerable: Unanswerable) => void): void {
    this.tell = listener;
  }

  override async send(frame: Uint8Array, signal: AbortSignal, facts?: FrameFacts): Promise<void> {
    if (facts) this.told.push(facts);
    if (this.waitMs > 0) await sleep(this.waitMs, signal);
    await super.send(frame, signal);
  }
}

function delayed(ms: number): Script {
  return (request, link) => void after(ms, () => link.answer(request, zephyr(request) ?? {}));
}

describe("session over a slow link", () => {
  const time = useFakeTime();

  async function opened(script: Script): Promise<{ link: SlowLink; session: Awaited<ReturnType<typeof openSession>> }> {
    const link = new SlowLink(script);
    const opening = openSession(link, {}, new AbortController().signal);
    await time.pass(MAX_ROUND_TRIP_MS);
    return { link, session: await opening };
  }

  const settled = async <T>(work: Promise<T>, withinMs: number): Promise<T> => {
    const caught = work.catch(() => {});
    await time.pass(withinMs);
    let isOver = false;
    void caught.then(() => (isOver = true));
    await time.pass(0);
    assert.ok(isOver, `not over after ${withinMs} ms`);
    return await work;
  };

  it("waits for the first answer as long as the link says that it may take", async () => {
    const { session } = await opened(delayed(29_000));
    assert.equal(session.counters.timeouts, 0);
    assert.equal(session.maxRoundTripMs, MAX_ROUND_TRIP_MS);
  });

  it("notices a loss by what the answers took, long before the longest time", async () => {
    const { link, session } = await opened(delayed(1_000));
    for (let each = 0; each < 10; each++) assert.deepEqual(await settled(echo(session, "x"), 1_000), { r: "x" });
    let lost = 0;
    link.script = (request, far) => (lost++ === 0 ? undefined : delayed(1_000)(request, far));
    assert.deepEqual(await settled(echo(session, "y"), 6_000), { r: "y" });
    assert.equal(session.counters.timeouts, 1);
  });

  it("bears answers that take longer and longer", async () => {
    const { link, session } = await opened(delayed(500));
    for (const ms of [1_000, 2_000, 4_000, 8_000, 16_000]) {
      link.script = delayed(ms);
      assert.deepEqual(await settled(echo(session, "x"), 120_000), { r: "x" });
    }
  });

  it("does not count the wait for a turn, which has a deadline of its own", async () => {
    const { link, session } = await opened(delayed(100));
    link.waitMs = 50_000;
    assert.deepEqual(await settled(echo(session, "x"), 51_000), { r: "x" });
    assert.equal(session.counters.timeouts, 0);
    link.waitMs = 70_000;
    const refused = assert.rejects(settled(echo(session, "x", { attempts: 1 }), 60_000), {
      code: "SMP_TIMEOUT",
      message: /^the turn of os\.echo \(sent once\) to be sent over scripted:device did not come within 60 s$/,
    });
    await time.pass(60_000);
    await refused;
  });

  it("does not send what nobody wants any more when its turn comes", async () => {
    const { link, session } = await opened(delayed(100));
    link.waitMs = 50_000;
    const sent = link.requests.length;
    const gone = new AbortController();
    const aborted = assert.rejects(session.request(os.reset, {}, { signal: gone.signal }), { code: "SMP_ABORTED" });
    await time.pass(10_000);
    gone.abort();
    await aborted;
    await time.pass(120_000);
    assert.equal(link.requests.length, sent);
    assert.equal(session.counters.timeouts, 0);
  });

  it("tells the link which try of what a frame is", async () => {
    const { link, session } = await opened(delayed(10));
    let lost = 0;
    link.script = (request, far) => (lost++ < 2 ? undefined : delayed(10)(request, far));
    await settled(echo(session, "x"), 60_000);
    assert.deepEqual(
      link.told.filter(({ command }) => command === "os.echo").map(({ attempt }) => attempt),
      [1, 2, 3],
    );
  });

  it("tells the link how long it waits for the answer to a frame, so that a late one can be dropped", async () => {
    const { link, session } = await opened(delayed(10));
    link.script = () => undefined;
    const unanswered = assert.rejects(echo(session, "x"), (error: SmpError) => {
      const { command, timeoutMs } = link.told.at(-1)!;
      assert.deepEqual([error.code, command], ["SMP_TIMEOUT", "os.echo"]);
      assert.equal(timeoutMs, error.details.timeoutMs);
      return true;
    });
    await settled(unanswered, 600_000);
  });

  it("fails a request at once when the far end says that nobody will answer, and goes on", async () => {
    const { link, session } = await opened(delayed(10));
    link.script = () => undefined;
    const error = new SmpError("SMP_UNREACHABLE", "scripted:device says: device offline", { reason: "device offline" });
    const first = assert.rejects(echo(session, "x"), {
      code: "SMP_UNREACHABLE",
      message: "os.echo was not answered: scripted:device says: device offline",
      details: { reason: "device offline" },
    });
    const others = [assert.rejects(echo(session, "y"), { code: "SMP_UNREACHABLE" })];
    await time.pass(0);
    link.tell({ seq: link.requests.at(-2)!.seq, error });
    await first;
    link.tell({ error });
    await Promise.all(others);
    link.script = zephyr;
    assert.deepEqual(await settled(echo(session, "z"), 0), { r: "z" });
  });

  it("does not open when the far end says that the device is not there", async () => {
    const link = new SlowLink((request) => {
      assert.ok(isParameters(request));
      link.tell({ seq: request.seq, error: new SmpError("SMP_UNREACHABLE", "device offline") });
    });
    await assert.rejects(openSession(link, {}, new AbortController().signal), {
      code: "SMP_UNREACHABLE",
      message: `${os.parameters.name} was not answered: device offline`,
    });
    assert.equal(link.closes, 1);
  });
});
