/** Versions as MCUboot's header holds them: four numbers, compared as numbers. */
import { SmpError } from "../errors";

/** `struct image_version` of MCUboot's `image.h`: 8, 8, 16 and 32 bits. */
export interface Version {
  readonly major: number;
  readonly minor: number;
  readonly revision: number;
  readonly build: number;
}

const LIMITS = { major: 0xff, minor: 0xff, revision: 0xffff, build: 0xffff_ffff } as const;
const FORM = /^(\d{1,10})\.(\d{1,10})\.(\d{1,10})(?:[.+](\d{1,10}))?$/;

/**
 * Reads "1.2.3", "1.2.3.4" (the form of the image state list) or "1.2.3+4" (the form of imgtool).
 * @throws SMP_BAD_INPUT for any other text and for numbers that do not fit the header
 */
export function parseVersion(text: string): Version {
  const match = FORM.exec(text);
  if (!match) throw badVersion(text, "it is not of the form 1.2.3, 1.2.3.4 or 1.2.3+4");
  const [major, minor, revision, build] = [1, 2, 3, 4].map((group) => Number(match[group] ?? 0)) as [
    number,
    number,
    number,
    number,
  ];
  const version: Version = { major, minor, revision, build };
  for (const part of partsOf(LIMITS)) {
    if (version[part] > LIMITS[part]) throw badVersion(text, `its ${part} number is larger than ${LIMITS[part]}`);
  }
  return version;
}

/** imgtool's form: "1.2.3+4", or "1.2.3" when the build number is 0. */
export function formatVersion({ major, minor, revision, build }: Version): string {
  return `${major}.${minor}.${revision}${build === 0 ? "" : `+${build}`}`;
}

/** Negative when `a` is older than `b`, 0 when equal, positive when newer; the build number counts too. */
export function compareVersions(a: Version, b: Version): number {
  return a.major - b.major || a.minor - b.minor || a.revision - b.revision || a.build - b.build;
}

function partsOf(limits: typeof LIMITS): (keyof Version)[] {
  return Object.keys(limits) as (keyof Version)[];
}

function badVersion(text: string, why: string): SmpError {
  return new SmpError("SMP_BAD_INPUT", `cannot read the version ${JSON.stringify(text.slice(0, 40))}: ${why}`, {
    hint: "Write a version as four numbers, e.g. 1.2.3+4.",
  });
}
