import assert from "node:assert/strict";
import { useFakeTime } from "./fake-time";
import { echo, opened } from "./opened";

describe("session: places in the device's buffers", () => {
  const time = useFakeTime();

  it("are free again once a later request was answered, though the earlier one was lost", async () => {
    const { link, session } = await opened(() => undefined);
    assert.equal(session.maxInFlight, 3);
    const lost = echo(session, "lost", { attempts: 1 });
    const failed = assert.rejects(lost, { code: "SMP_TIMEOUT" });
    const second = echo(session, "second", { attempts: 1 });
    for (const text of ["third", "fourth", "fifth"]) void echo(session, text, { attempts: 1 }).catch(() => undefined);
    await time.pass(0);
    const sent = (): unknown[] => link.requests.slice(1).map(({ body }) => body["d"]);
    assert.deepEqual(sent(), ["lost", "second", "third"]);
    link.answer(link.requests[2]!, { r: "second" });
    assert.deepEqual(await second, { r: "second" });
    await time.pass(0);
    assert.deepEqual(sent(), ["lost", "second", "third", "fourth", "fifth"]);
    await time.pass(2_500);
    await failed;
  });

  it("stay taken by a request that will be sent again", async () => {
    const { link, session } = await opened(() => undefined);
    void echo(session, "lost", { attempts: 2 }).catch(() => undefined);
    const second = echo(session, "second", { attempts: 1 });
    for (const text of ["third", "fourth", "fifth"]) void echo(session, text, { attempts: 1 }).catch(() => undefined);
    await time.pass(0);
    link.answer(link.requests[2]!, { r: "second" });
    await second;
    await time.pass(0);
    assert.deepEqual(link.requests.at(-1)!.body, { d: "fourth" });
  });
});
