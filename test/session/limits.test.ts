import assert from "node:assert/strict";
import { useFakeTime } from "./fake-time";
import { echo, opened } from "./opened";
import { zephyr } from "./scripted-link";

describe("session: limits", () => {
  const time = useFakeTime();

  it("refuses a frame that is too large before it is sent", async () => {
    const { link, session } = await opened(zephyr);
    const d = "x".repeat(2475);
    await assert.rejects(echo(session, d), {
      code: "SMP_FRAME_TOO_LARGE",
      message: "os.echo makes a frame of 2489 bytes, but scripted:device takes at most 2475",
      details: { frameLength: 2489, limit: 2475 },
    });
    assert.equal(link.requests.length, 1);
    assert.deepEqual(await echo(session, d.slice(14)), { r: d.slice(14) });
  });

  it("has no more requests under way than the device has buffers for", async () => {
    const { link, session } = await opened(() => undefined);
    const answers = ["a", "b", "c", "d", "e"].map((d) => echo(session, d));
    await time.pass(0);
    const sent = (): unknown[] => link.requests.slice(1).map(({ body }) => body["d"]);
    assert.deepEqual(sent(), ["a", "b", "c"]);
    link.answer(link.requests[2]!, { r: "b" });
    await time.pass(0);
    assert.deepEqual(sent(), ["a", "b", "c", "d"]);
    link.script = zephyr;
    for (const request of link.requests.slice(1)) link.answer(request, zephyr(request));
    assert.deepEqual(
      await Promise.all(answers),
      ["a", "b", "c", "d", "e"].map((r) => ({ r })),
    );
  });

  it("lets a request that waits for its turn be aborted", async () => {
    const { link, session } = await opened(() => undefined);
    const running = ["a", "b", "c"].map((d) => echo(session, d));
    const controller = new AbortController();
    const waiting = assert.rejects(echo(session, "d", { signal: controller.signal }), { code: "SMP_ABORTED" });
    await time.pass(0);
    controller.abort();
    await waiting;
    for (const request of link.requests.slice(1)) link.answer(request, zephyr(request));
    await Promise.all(running);
    assert.equal(link.requests.length, 4);
  });

  it("sends no other request in place of an aborted one while the device may still work on it", async () => {
    const { link, session } = await opened(() => undefined);
    const controller = new AbortController();
    const aborted = ["a", "b", "c"].map((d) => echo(session, d, { signal: controller.signal }));
    await time.pass(0);
    controller.abort();
    await Promise.allSettled(aborted);
    const next = echo(session, "d");
    await time.pass(0);
    assert.equal(link.requests.length, 4);
    link.script = zephyr;
    link.answer(link.requests[1]!, { r: "a" });
    assert.deepEqual(await next, { r: "d" });
  });
});
