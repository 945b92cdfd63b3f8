import assert from "node:assert/strict";
import { SmpError } from "../../src/errors";
import { anyCommand, requestAny, requestFromJson, type RawCommand } from "../../src/session/any-command";
import { COMMANDS } from "../../src/smp/commands";
import type { SmpSession } from "../../src/session/types";
import { useFakeTime } from "./fake-time";
import { opened } from "./opened";
import { zephyr } from "./scripted-link";

const ask = (session: SmpSession, command: string | RawCommand, json: unknown, options?: { timeoutMs?: number }) =>
  requestAny(session, requestFromJson(anyCommand(command), json, "msg.payload"), options);

const inputError = (message: RegExp) => (error: SmpError) => {
  assert.equal(error.code, "SMP_BAD_INPUT");
  assert.match(error.message, message);
  return true;
};

describe("any command", () => {
  const time = useFakeTime();

  it("of the table goes out under its name's numbers, and its answer comes whole", async () => {
    const { link, session } = await opened(() => ({ r: "hi", rc: 0, vendor: [Buffer.from("x")] }));
    assert.deepEqual(await ask(session, "os.echo", { d: "hi" }), { r: "hi", rc: 0, vendor: [Buffer.from("x")] });
    const { op, group, id, body } = link.last;
    assert.deepEqual([op, group, id, body], [2, 0, 0, { d: "hi" }]);
  });

  it("is known by each name of the table", () => {
    for (const { name, op, group, id } of COMMANDS) {
      const row = anyCommand(name);
      assert.deepEqual([row.op, row.group, row.id], [op, group, id]);
    }
  });

  it("that is raw may be one that nobody knows", async () => {
    const { link, session } = await opened(() => ({ answer: 42, raw: Buffer.of(1, 2), deep: { list: [1] } }));
    const answer = await ask(session, { op: "read", group: 0xffff, id: 255 }, { data: { $bytes: "AQI=" } });
    assert.deepEqual(answer, { answer: 42, raw: Buffer.of(1, 2), deep: { list: [1] } });
    assert.deepEqual([link.last.op, link.last.group, link.last.id], [0, 0xffff, 255]);
    assert.deepEqual(link.last.body, { data: Buffer.of(1, 2) });
  });

  it("that is raw is sent as it is, also where the table knows better", async () => {
    const { link, session } = await opened(() => ({}));
    await ask(session, { op: "write", group: 0, id: 0 }, { wrong: true });
    assert.deepEqual(link.last.body, { wrong: true });
  });

  it("of the table is refused before it is sent when a key is missing or wrong", () => {
    const row = anyCommand("image.upload");
    assert.throws(
      () => requestFromJson(row, { off: 0 }, "msg.payload"),
      inputError(/image\.upload: msg\.payload\.data: expected a byte string, got nothing/),
    );
    assert.throws(
      () => requestFromJson(row, { off: -1, data: Buffer.of(1) }, "msg.payload"),
      inputError(/msg\.payload\.off: expected an unsigned integer/),
    );
  });

  it("that does not exist is refused with the names of its group", () => {
    assert.throws(
      () => anyCommand("image.wipe"),
      inputError(/no command "image\.wipe"; there are image\.erase, .*image\.writeState$/),
    );
    assert.throws(() => anyCommand("wipe"), inputError(/os\.echo.*basic\.eraseStorage/));
  });

  it("with numbers out of range is refused", () => {
    const good = { op: "read", group: 64, id: 0 } as const;
    assert.throws(() => anyCommand({ ...good, op: "ask" as "read" }), inputError(/^op of a raw command/));
    for (const group of [-1, 65_536, 1.5]) assert.throws(() => anyCommand({ ...good, group }), inputError(/^group/));
    for (const id of [-1, 256]) assert.throws(() => anyCommand({ ...good, id }), inputError(/^id/));
  });

  it("that is refused says the group, the number and what it means", async () => {
    const { session } = await opened(() => ({ err: { group: 1, rc: 30 } }));
    const named: SmpError = await ask(session, "image.erase", { slot: 1 }).then(
      () => assert.fail("answered"),
      (error) => error,
    );
    assert.deepEqual([named.code, named.details.group, named.details.rc], ["SMP_DEVICE", 1, 30]);
    const foreign = await opened(() => ({ err: { group: 64, rc: 7 }, rsn: "valve open" }));
    const raw: SmpError = await ask(foreign.session, { op: "write", group: 64, id: 3 }, {}).then(
      () => assert.fail("answered"),
      (error) => error,
    );
    assert.match(raw.message, /^write group 64 id 3 was refused: .*group 64, rc 7.*"valve open"/);
  });

  for (const [repeatable, frames] of [
    [true, 5],
    [false, 1],
    [undefined, 1],
  ] as const) {
    it(`that is raw and repeatable: ${repeatable} is sent ${frames} times when no answer comes`, async () => {
      const { link, session } = await opened(() => undefined);
      const before = link.requests.length;
      const failed = assert.rejects(
        ask(session, { op: "read", group: 64, id: 0, repeatable }, {}, { timeoutMs: 100 }),
        { code: "SMP_TIMEOUT" },
      );
      await time.pass(500);
      await failed;
      assert.equal(link.requests.length - before, frames);
    });
  }

  it("waits as long as it is told", async () => {
    const { link, session } = await opened((request) => (request.group === 64 ? undefined : zephyr(request)));
    const answer = ask(session, { op: "write", group: 64, id: 1 }, {}, { timeoutMs: 60_000 });
    await time.pass(59_000);
    link.answer(link.last, { late: true });
    assert.deepEqual(await answer, { late: true });
  });
});
