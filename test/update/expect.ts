import assert from "node:assert/strict";
import { SmpError, type SmpErrorCode } from "../../src/errors";

/** The {@link SmpError} with which `work` ends; fails the test when it ends otherwise. */
export async function rejectsWith(code: SmpErrorCode, work: () => Promise<unknown>): Promise<SmpError> {
  const ending = await work().then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if (!("error" in ending)) throw new Error(`expected ${code}, got ${JSON.stringify(ending.value)}`);
  if (!(ending.error instanceof SmpError)) throw ending.error;
  assert.equal(ending.error.code, code, ending.error.stack);
  return ending.error;
}
