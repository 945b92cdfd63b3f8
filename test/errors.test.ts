import assert from "node:assert/strict";
import { DeviceError, ERRORS, SmpError, toSmpError } from "../src/errors";

describe("errors", () => {
  it("carry the hint and the answer to 'again?' of their code unless they know better", () => {
    const plain = new SmpError("SMP_TIMEOUT", "late");
    assert.equal(plain.retryable, true);
    assert.equal(plain.hint, ERRORS.SMP_TIMEOUT.hint);
    const special = new SmpError("SMP_TIMEOUT", "late", { hint: "plug it in", retryable: false });
    assert.deepEqual([special.hint, special.retryable], ["plug it in", false]);
  });

  it("report plain data with the facts that outer floors added, and what was known first wins", () => {
    const error = new SmpError("SMP_LINK_LOST", "gone", { device: "a", cause: new Error("x") }).with({
      device: "b",
      phase: "upload",
    });
    assert.deepEqual(JSON.parse(JSON.stringify(error.report())), {
      code: "SMP_LINK_LOST",
      message: "gone",
      hint: ERRORS.SMP_LINK_LOST.hint,
      retryable: true,
      device: "a",
      phase: "upload",
    });
    assert.equal((error.cause as Error).message, "x");
  });

  it("do not tell the user and password of an address", () => {
    const { message } = new SmpError("SMP_LINK_OPEN", "cannot open tcp://joe:secret@host:1 nor https://token@host/x@y");
    assert.equal(message, "cannot open tcp://…@host:1 nor https://…@host/x@y");
  });

  it("keep an SmpError as it is, and wrap anything else", () => {
    const refusal = new DeviceError("no", { rc: 8 });
    assert.equal(toSmpError(refusal), refusal);
    assert.equal(toSmpError("text").code, "SMP_INTERNAL");
    assert.match(toSmpError(new TypeError("x is not a function")).message, /x is not a function/);
  });
});
