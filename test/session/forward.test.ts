/** Frames that were made elsewhere and are played by a session. */
import assert from "node:assert/strict";
import { decodeMessage, encodeMessage } from "../../src/smp/message";
import { decodeHeader } from "../../src/smp/header";
import { opened } from "./opened";

const frame = (seq: number, changes: object = {}): Uint8Array =>
  encodeMessage({ op: 2, version: 1, group: 0, id: 0, seq, body: { d: "hi" }, ...changes });

describe("a frame that a session forwards", () => {
  it("keeps its body and version, and its answer comes back with its own sequence number", async () => {
    const { link, session } = await opened(({ body }) => ({ r: body["d"], more: [1, 2] }));
    for (const seq of [0, 7, 255]) {
      const answer = decodeMessage(await session.forward(frame(seq, { version: 0 })));
      assert.deepEqual(answer, { op: 3, version: 0, group: 0, id: 0, seq, body: { r: "hi", more: [1, 2] } });
      assert.deepEqual(link.last.body, { d: "hi" });
      assert.equal(link.last.version, 0);
    }
  });

  it("bears a number of the session's on the link, so that nothing is mixed up", async () => {
    const { link, session } = await opened(({ body }) => ({ r: body["d"] }));
    const answers = await Promise.all([
      session.forward(frame(9, { body: { d: "a" } })),
      session.forward(frame(9, { body: { d: "b" } })),
    ]);
    assert.deepEqual(
      answers.map((answer) => decodeMessage(answer).body["r"]),
      ["a", "b"],
    );
    assert.deepEqual(
      answers.map((answer) => decodeHeader(answer).seq),
      [9, 9],
    );
    assert.equal(new Set(link.requests.map(({ seq }) => seq)).size, link.requests.length);
  });

  it("gets a refusal as its answer, also of a command that nobody here knows", async () => {
    const { session } = await opened(() => ({ rc: 8, rsn: "not here" }));
    const answer = await session.forward(frame(1, { group: 77, id: 5 }));
    assert.deepEqual(decodeMessage(answer).body, { rc: 8, rsn: "not here" });
  });

  it("is sent again when it is lost and repeatable, and once otherwise", async () => {
    let sent = 0;
    const { session } = await opened(() => (++sent === 2 ? { r: "" } : undefined));
    await session.forward(frame(1), { timeoutMs: 20 });
    assert.equal(sent, 2);
    await assert.rejects(session.forward(frame(2, { id: 5 }), { timeoutMs: 20 }), { code: "SMP_TIMEOUT" });
    assert.equal(sent, 3);
  });

  it("is refused when it is too large, no request, or not whole", async () => {
    const { link, session } = await opened(() => ({}));
    const before = link.requests.length;
    await assert.rejects(session.forward(frame(1, { body: { d: "x".repeat(3000) } })), { code: "SMP_FRAME_TOO_LARGE" });
    await assert.rejects(session.forward(frame(1, { op: 3 })), { code: "SMP_BAD_FRAME" });
    await assert.rejects(session.forward(frame(1).subarray(0, 10)), { code: "SMP_BAD_FRAME" });
    await assert.rejects(session.forward(Uint8Array.of(1, 2, 3)), { code: "SMP_BAD_FRAME" });
    assert.equal(link.requests.length, before);
  });

  it("fails when the link is lost meanwhile", async () => {
    const { session } = await opened((_, link) => link.lose());
    await assert.rejects(session.forward(frame(1)), { code: "SMP_LINK_LOST" });
  });
});
