/** A small part of the fuzzing with every test run; `npm run fuzz` does as much as is wanted. A failure names its seed. */
import * as fc from "fast-check";
import { TARGETS } from "./targets";

const RUNS_PER_SHARE = 6;

describe("fuzzing", () => {
  for (const { name, share, property } of TARGETS) {
    it(name, () => fc.assert(property, { numRuns: share * RUNS_PER_SHARE }));
  }
});
