import assert from "node:assert/strict";
import { SmpError, type SmpErrorCode } from "../../src/errors";

/** Asserts that `work` fails with this code and that message and hint say what they should. */
export async function assertFails(
  work: Promise<unknown>,
  code: SmpErrorCode,
  message: RegExp,
  hint = /./,
): Promise<SmpError> {
  const thrown: unknown = await work.then(
    () => assert.fail("it should have failed"),
    (reason: unknown) => reason,
  );
  assert.ok(thrown instanceof SmpError, `expected an SmpError, got ${String(thrown)}`);
  assert.equal(thrown.code, code, thrown.message);
  assert.match(thrown.message, message);
  assert.match(thrown.hint, hint);
  return thrown;
}
