import assert from "node:assert/strict";
import { DeviceError } from "../../src/errors";
import { image, os } from "../../src/smp/commands";
import { isAnswerTo, parseResponse } from "../../src/smp/response";

const message = { op: 1, version: 1, group: 1, seq: 7, id: 0, body: {} };

describe("answers", () => {
  it("match on sequence, operation, group and command, all of them", () => {
    assert.equal(isAnswerTo(message, image.readState, 7), true);
    assert.equal(isAnswerTo({ ...message, version: 0 }, image.readState, 7), true);
    assert.equal(isAnswerTo(message, image.readState, 8), false);
    assert.equal(isAnswerTo({ ...message, op: 3 }, image.readState, 7), false);
    assert.equal(isAnswerTo({ ...message, op: 0 }, image.readState, 7), false);
    assert.equal(isAnswerTo({ ...message, group: 0 }, image.readState, 7), false);
    assert.equal(isAnswerTo({ ...message, id: 1 }, image.readState, 7), false);
  });

  it("are successes with rc 0 beside the data, as old servers send them", () => {
    assert.deepEqual(parseResponse(image.upload, { rc: 0, off: 64 }), { off: 64 });
  });

  it("may carry keys that are not known here", () => {
    assert.deepEqual(parseResponse(image.upload, { off: 1, novelty: { a: 1 } }), { off: 1 });
  });

  for (const [name, body, group] of [
    ["err, Zephyr 3.5 and later", { err: { group: 1, rc: 28 } }, 1],
    ["a map-valued ret, Zephyr 3.4", { ret: { group: 1, rc: 28 } }, 1],
    ["rc, SMP v1", { rc: 6 }, undefined],
    ["rc with the reason of verbose servers", { rc: 1, rsn: "magic mismatch" }, undefined],
  ] as const) {
    it(`are refusals with ${name}`, () => {
      assert.throws(
        () => parseResponse(image.writeState, body),
        (error: unknown) =>
          error instanceof DeviceError && error.details.group === group && error.message.includes("image.writeState"),
      );
    });
  }

  it("say in words what the device refused, with the numbers and the device's own reason", () => {
    assert.throws(() => parseResponse(image.upload, { err: { group: 1, rc: 9 } }), {
      message: "image.upload was refused: no free slot: it is in use (group 1, rc 9 NO_FREE_SLOT)",
      hint: /confirm it, or reset/,
    });
    assert.throws(
      () => parseResponse(image.upload, { rc: 1, rsn: "magic mismatch" }),
      /the device says "magic mismatch"/,
    );
  });

  it("take the shell's integer ret for its exit code, not for a refusal", () => {
    assert.doesNotThrow(() => parseResponse({ ...os.echo, response: {} }, { o: "", ret: -8 }));
  });

  for (const [body, expected] of [
    [{}, /image\.upload\.off: expected an unsigned integer, got nothing/],
    [{ off: -1 }, /expected an unsigned integer, got number -1/],
    [{ off: "0" }, /expected an unsigned integer, got text/],
    [{ off: 1.5 }, /got number 1\.5/],
    [{ off: 0, match: 1 }, /image\.upload\.match: expected true or false/],
  ] as const) {
    it(`of a wrong shape name the field: ${JSON.stringify(body)}`, () => {
      assert.throws(() => parseResponse(image.upload, body), { code: "SMP_BAD_RESPONSE", message: expected });
    });
  }

  it("of a wrong shape name the field within lists", () => {
    const body = {
      images: [
        { slot: 0, version: "1.0.0" },
        { slot: 1, version: 5 },
      ],
    };
    assert.throws(() => parseResponse(image.readState, body), /image\.readState\.images\[1\]\.version: expected text/);
  });
});
