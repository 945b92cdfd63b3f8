import assert from "node:assert/strict";
import { Offsets, type SentChunk } from "../../src/update/offsets";

/** Chunks of 100 bytes, the first acknowledged. */
function begun(): { offsets: Offsets; send: (offBytes: number) => SentChunk } {
  const offsets = new Offsets();
  const send = (offBytes: number): SentChunk => offsets.sent({ offBytes, endBytes: offBytes + 100, frameBytes: 130 });
  send(0);
  offsets.begin(100);
  return { offsets, send };
}

describe("offsets", () => {
  it("advance to the end of the chunk that was taken", () => {
    const { offsets, send } = begun();
    assert.equal(offsets.answered(send(100), 200), "taken");
    assert.equal(offsets.ackedBytes, 200);
  });

  it("stay where the device is when a chunk before was lost, and all that follow are missed", () => {
    const { offsets, send } = begun();
    send(100);
    const later = [send(200), send(300)];
    for (const chunk of later) assert.equal(offsets.answered(chunk, 100), "missed");
    assert.equal(offsets.ackedBytes, 100);
  });

  it("advance over chunks whose answers were lost", () => {
    const { offsets, send } = begun();
    send(100);
    send(200);
    assert.equal(offsets.answered(send(300), 400), "taken");
    assert.equal(offsets.ackedBytes, 400);
  });

  it("advance by what an answer to a missed chunk acknowledges", () => {
    const { offsets, send } = begun();
    send(100);
    send(200);
    assert.equal(offsets.answered(send(300), 200), "missed");
    assert.equal(offsets.ackedBytes, 200);
  });

  it("take the answer to a repeated chunk beyond its end, when that was reached before", () => {
    const { offsets, send } = begun();
    send(100);
    send(200);
    assert.equal(offsets.answered(send(100), 300), "taken");
    assert.equal(offsets.ackedBytes, 300);
  });

  it("are not moved back by an answer that another has overtaken", () => {
    const { offsets, send } = begun();
    const first = send(100);
    const second = send(200);
    assert.equal(offsets.answered(second, 300), "taken");
    assert.equal(offsets.answered(first, 200), "taken");
    assert.equal(offsets.ackedBytes, 300);
  });

  it("go on from where MCUboot's recovery stopped in a chunk that does not fill its flash words", () => {
    const { offsets, send } = begun();
    assert.equal(offsets.answered(send(100), 192), "missed");
    assert.equal(offsets.ackedBytes, 192);
  });

  it("go on from there too when that answer was lost, and a smaller chunk asks again", () => {
    const { offsets, send } = begun();
    const { offBytes, endBytes } = send(100);
    const smaller = offsets.sent({ offBytes, endBytes: endBytes - 60, frameBytes: 0 });
    assert.equal(offsets.answered(smaller, 192), "taken");
    assert.equal(offsets.ackedBytes, 192);
  });

  for (const [what, off] of Object.entries({
    "lies in the middle of a chunk": 150,
    "is beyond all that was sent": 1_000,
    "is one byte beyond the chunk": 201,
    "is below what was acknowledged when the chunk was sent": 60,
  })) {
    it(`are foreign when the answer ${what}`, () => {
      const { offsets, send } = begun();
      assert.equal(offsets.answered(send(100), off), "foreign");
      assert.equal(offsets.ackedBytes, 100);
    });
  }

  it("are lost when the device wants the start", () => {
    const { offsets, send } = begun();
    assert.equal(offsets.answered(send(100), 0), "lost");
  });

  it("forget the chunks of before a new beginning, but not how far they went", () => {
    const { offsets, send } = begun();
    send(100);
    offsets.begin(50);
    assert.equal(offsets.furthestBytes, 200);
    assert.equal(offsets.answered(send(50), 200), "foreign");
  });
});
