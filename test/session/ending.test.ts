import assert from "node:assert/strict";
import { SmpError } from "../../src/errors";
import { useFakeTime } from "./fake-time";
import { echo, opened } from "./opened";
import { zephyr } from "./scripted-link";

describe("session: the end", () => {
  const time = useFakeTime();

  it("fails what is under way and what waits as soon as the link is lost", async () => {
    const { link, session } = await opened(() => undefined);
    const failures = ["a", "b", "c", "d", "e"].map((d) => assert.rejects(echo(session, d), isLost(/lost its power/)));
    await time.pass(0);
    link.lose();
    await Promise.all([...failures, session.ended]);
    assert.match(session.endedBy!.message, /lost its power/);
    await assert.rejects(echo(session, "later"), isLost(/lost its power/));
    assert.equal(time.pending(), 0);
  });

  it("keeps the transport's own error as the cause", async () => {
    const { link, session } = await opened(() => undefined);
    const cause = new TypeError("of the operating system");
    const failed = assert.rejects(echo(session, "x"), (error: SmpError) => {
      assert.equal(error.code, "SMP_LINK_LOST");
      assert.equal((error.cause as Error).cause, cause);
      return true;
    });
    await time.pass(0);
    link.lose(cause);
    await failed;
    assert.equal(link.closes, 1);
  });

  it("gives each request an error of its own", async () => {
    const { link, session } = await opened(() => undefined);
    const errors = [echo(session, "a"), echo(session, "b")].map((answer) => answer.catch((error: unknown) => error));
    await time.pass(0);
    link.lose();
    const [one, other] = await Promise.all(errors);
    assert.notEqual(one, other);
  });

  it("comes with a send that fails", async () => {
    const { link, session } = await opened(zephyr);
    link.send = () => Promise.reject(new Error("EPIPE"));
    await assert.rejects(echo(session, "x"), isLost(/EPIPE/));
    await session.ended;
    assert.equal(link.closes, 1);
  });

  it("comes with close, for all that waits, and closes the link once", async () => {
    const { link, session } = await opened(() => undefined);
    const failed = assert.rejects(echo(session, "x"), isLost(/was closed/));
    await time.pass(0);
    await Promise.all([session.close(), session.close()]);
    await failed;
    await session.ended;
    assert.match(session.endedBy!.message, /the session with scripted:device was closed/);
    assert.equal(link.closes, 1);
  });

  it("does not wait for ever for a link that hangs while it closes", async () => {
    const { link, session } = await opened(zephyr);
    link.close = () => new Promise(() => {});
    const closed = session.close();
    await time.pass(3_000);
    await closed;
  });

  it("survives a link whose close fails", async () => {
    const { link, session } = await opened(zephyr);
    link.close = () => Promise.reject(new Error("already gone"));
    await session.close();
  });
});

function isLost(message: RegExp): { code: string; message: RegExp } {
  return { code: "SMP_LINK_LOST", message };
}
