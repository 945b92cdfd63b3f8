import assert from "node:assert/strict";
import { SmpError, type SmpErrorCode } from "../../src/errors";

/** The {@link SmpError} with which `work` ends; fails the test when it ends otherwise. */
export async function rejectsWith(code: SmpErrorCode, work: () => Promise<unknown>): Promise<SmpError> {
  let result: unknown;
  try {
    result = await work();
  } catch (error) {
    if (!(error instanceof SmpError)) throw error;
    assert.equal(error.code, code, error.stack);
    return error;
  }
  assert.fail(`expected ${code}, got ${JSON.stringify(result)}`);
}
