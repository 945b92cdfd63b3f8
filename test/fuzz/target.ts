/** What a fuzzing target is made of. */
import assert from "node:assert/strict";
import * as fc from "fast-check";
import { SmpError } from "../../src/errors";

export interface Target {
  readonly name: string;
  /** How many of a million inputs it gets, relative to the others; slow ones less. */
  readonly share: number;
  readonly property: fc.IAsyncProperty<unknown>;
}

/** A target that holds while `check` returns. */
export function target<T>(
  name: string,
  inputs: fc.Arbitrary<T>,
  check: (input: T) => void | Promise<void>,
  share = 10,
): Target {
  return { name, share, property: fc.asyncProperty(inputs, async (input) => check(input)) };
}

/** Runs `work`; bad input may be refused with an error of the package's own, and in no other way. */
export function refusedOrDone<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    checkRefusal(error);
    return undefined;
  }
}

export async function refusedOrResolved<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    checkRefusal(error);
    return undefined;
  }
}

function checkRefusal(error: unknown): void {
  if (!(error instanceof SmpError) || error.code === "SMP_INTERNAL") throw error;
  assert.ok(error.message.length < 2_000, `a message of ${error.message.length} characters`);
}
