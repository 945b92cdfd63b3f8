/** Small signed images that come with the package, to try things without a build of one's own. */
import { join } from "node:path";

/** 1.0.0 has a hash and no signature, 1.5.0 is signed with Ed25519. Both are for no hardware at all. */
export const SAMPLES = ["1.0.0", "1.5.0"] as const;

export type SampleVersion = (typeof SAMPLES)[number];

/** Where the image of this version lies. */
export function samplePath(version: SampleVersion): string {
  return join(__dirname, "samples", `sample-${version}.bin`);
}
