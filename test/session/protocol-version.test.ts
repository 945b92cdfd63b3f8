import assert from "node:assert/strict";
import { os } from "../../src/smp/commands";
import { openSession } from "../../src/session/session";
import { useFakeTime } from "./fake-time";
import { afterParameters, isEcho, isParameters, ScriptedLink, type Script, zephyr } from "./scripted-link";

const FOREVER = new AbortController().signal;

/** Header version bits of the requests: 0 is v1, 1 is v2. */
const versions = (link: ScriptedLink): number[] => link.requests.map(({ version }) => version);

const knowsOnly =
  (version: number, rc: number): Script =>
  (request) =>
    request.version === version ? zephyr(request) : { rc };

describe("protocol version of a session", () => {
  const time = useFakeTime();

  it("is v2 from the start", async () => {
    const link = new ScriptedLink();
    const session = await openSession(link, {}, FOREVER);
    await session.request(os.echo, { d: "x" });
    assert.deepEqual(versions(link), [1, 1]);
  });

  it("changes to v1 when the server calls v2 too new, and the request is repeated once", async () => {
    const link = new ScriptedLink(knowsOnly(0, 13));
    const session = await openSession(link, {}, FOREVER);
    assert.equal(session.parameters?.bufSize, 2475);
    await session.request(os.echo, { d: "x" });
    assert.deepEqual(versions(link), [1, 0, 0]);
    assert.equal(session.counters.retries, 0);
  });

  it("is changed for a request that must not be repeated too, as it was not carried out", async () => {
    const link = new ScriptedLink(afterParameters(knowsOnly(0, 13)));
    const session = await openSession(link, {}, FOREVER);
    await session.request(os.reset, {});
    assert.deepEqual(versions(link), [1, 1, 0]);
  });

  it("is not tried in another version after an abort", async () => {
    const link = new ScriptedLink(afterParameters(() => undefined));
    const session = await openSession(link, {}, FOREVER);
    const controller = new AbortController();
    const aborted = assert.rejects(session.request(os.reset, {}, { signal: controller.signal }), {
      code: "SMP_ABORTED",
    });
    await time.pass(0);
    controller.abort();
    await aborted;
    link.answer(link.last, { rc: 13 });
    await time.pass(0);
    assert.deepEqual(versions(link), [1, 1]);
  });

  it("changes back to v2 when the server calls v1 too old", async () => {
    // The first request is lost, so that the session comes to think of v1.
    const link = new ScriptedLink((request, far) =>
      far.requests.length === 1 ? undefined : knowsOnly(1, 12)(request, far),
    );
    const opening = openSession(link, {}, FOREVER);
    await time.pass(1_000);
    const session = await opening;
    await session.request(os.echo, { d: "x" });
    assert.deepEqual(versions(link), [1, 0, 1, 1]);
  });

  it("does not change to and fro at a server that refuses both", async () => {
    const link = new ScriptedLink((request) =>
      isEcho(request) ? { rc: request.version === 1 ? 13 : 12 } : zephyr(request),
    );
    const session = await openSession(link, {}, FOREVER);
    await assert.rejects(session.request(os.echo, { d: "x" }), { code: "SMP_DEVICE", message: /rc 12/ });
    assert.deepEqual(versions(link), [1, 1, 0]);
  });

  it("is not changed by a server that calls v2 too old, and nothing is repeated", async () => {
    const link = new ScriptedLink((request) => (isEcho(request) ? { rc: 12 } : zephyr(request)));
    const session = await openSession(link, {}, FOREVER);
    await assert.rejects(session.request(os.echo, { d: "x" }), { code: "SMP_DEVICE", message: /rc 12/ });
    assert.deepEqual(versions(link), [1, 1]);
  });

  it("changes to v1 when the very first request gets no answer, and stays there", async () => {
    const link = new ScriptedLink((request) => (request.version === 0 ? zephyr(request) : undefined));
    const opening = openSession(link, {}, FOREVER);
    await time.pass(1_000);
    const session = await opening;
    await session.request(os.echo, { d: "x" });
    assert.deepEqual(versions(link), [1, 0, 0]);
  });

  it("stays v2 when the answer to the first request was only late", async () => {
    const link = new ScriptedLink(() => undefined);
    const opening = openSession(link, {}, FOREVER);
    await time.pass(1_500);
    for (const request of link.requests) link.answer(request, zephyr(request));
    const session = await opening;
    link.script = zephyr;
    await session.request(os.echo, { d: "x" });
    assert.deepEqual(versions(link), [1, 0, 1]);
  });

  it("does not change by silence once the server has answered", async () => {
    const link = new ScriptedLink(afterParameters(() => undefined));
    const session = await openSession(link, {}, FOREVER);
    const failed = assert.rejects(session.request(os.echo, { d: "x" }), { code: "SMP_TIMEOUT" });
    await time.pass(12_500);
    await failed;
    assert.deepEqual(versions(link), [1, 1, 1, 1, 1, 1]);
  });

  it("is what the user forces, whatever the server says", async () => {
    for (const [protocol, version, rc] of [
      [1, 0, 12],
      [2, 1, 13],
    ] as const) {
      const link = new ScriptedLink((request) => (isParameters(request) ? zephyr(request) : { rc }));
      const session = await openSession(link, { protocol }, FOREVER);
      await assert.rejects(session.request(os.echo, { d: "x" }), {
        code: "SMP_DEVICE",
        message: new RegExp(`rc ${rc}`),
      });
      assert.deepEqual(versions(link), [version, version]);
    }
  });

  it("is what the user forces also in silence", async () => {
    const link = new ScriptedLink(() => undefined);
    const failed = assert.rejects(openSession(link, { protocol: 2 }, FOREVER), { code: "SMP_TIMEOUT" });
    await time.pass(11_000);
    await failed;
    assert.deepEqual(versions(link), [1, 1, 1, 1, 1, 1, 1]);
  });
});
