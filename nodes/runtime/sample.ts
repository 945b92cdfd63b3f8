/** The small signed images that the package carries, so that a flow can be tried with nothing else at hand. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { SmpError } from "../../src/index";

/** The same place relative to this file in the sources and in the built package. */
const FOLDER = join(__dirname, "../../src/device/samples");
const FILE = /^sample-(.+)\.bin$/;
const PREFIX = "sample:";

/** What virtual devices run when they are new. */
export const FACTORY_SAMPLE = `${PREFIX}1.0.0`;

export function isSampleName(text: string): boolean {
  return text.startsWith(PREFIX);
}

/** The file behind "sample:1.5.0"; any other text is a path and stays. @throws SMP_BAD_INPUT when there is no such sample */
export function resolveSample(text: string): string {
  if (!isSampleName(text)) return text;
  const version = text.slice(PREFIX.length);
  const samples = readdirSync(FOLDER).flatMap((file) => FILE.exec(file)?.[1] ?? []);
  if (samples.includes(version)) return join(FOLDER, `sample-${version}.bin`);
  throw new SmpError("SMP_BAD_INPUT", `there is no ${text} in the package; there are ${samples.join(" and ")}`);
}
