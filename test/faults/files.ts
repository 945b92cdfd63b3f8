/** The firmware files of a run: small, and each with bytes of its own. */
import { buildImage } from "../build-image";
import { isThird, type OtherSlot, type Scenario } from "./scenario";

export interface Files {
  readonly old: Buffer;
  readonly wanted: Buffer;
  /** Complete, and nobody's business here. */
  readonly third: Buffer;
  /** What another client uploads. */
  readonly foreign: Buffer;
  /** What the other slot holds at first. */
  readonly other: Buffer | undefined;
  /** Of the image that is not updated, on a device of two. */
  readonly neighbour: Buffer;
  /** What that gets, when both are updated. */
  readonly neighbourWanted: Buffer;
}

export const PAGE_BYTES = 1024;
const VERSIONS = {
  none: "2.0.0",
  "cannot-swap": "2.0.0",
  "too-large": "2.0.0",
  rejected: "9.0.0",
  downgrade: "0.9.0",
} as const;

/** Which the bootloader of a run with the obstacle "rejected" does not accept. */
export function isUnwelcome(version: { readonly major: number }): boolean {
  return version.major === 9;
}

const cache = new Map<string, Buffer>();

function built(version: string, payloadBytes: number): Buffer {
  const key = `${version}/${payloadBytes}`;
  const known = cache.get(key);
  if (known) return known;
  const file = buildImage({ version, payloadBytes });
  cache.set(key, file);
  if (cache.size > 512) cache.clear();
  return file;
}

export function makeFiles(scenario: Scenario): Files {
  const { obstacle, payloadBytes, pages } = scenario;
  const bytes = obstacle === "too-large" ? (pages - 1) * PAGE_BYTES + 600 : payloadBytes;
  const wanted = built(VERSIONS[obstacle], bytes);
  const third = built("1.5.0", 900);
  return {
    old:
      scenario.otherSlot === "wanted-twice"
        ? wanted
        : built("1.0.0", 300 + ((payloadBytes * 7) % ((pages - 4) * PAGE_BYTES - 300))),
    wanted,
    third,
    foreign: built("1.7.0", 2_200),
    other: otherSlot(scenario.otherSlot, { wanted, third, slotBytes: pages * PAGE_BYTES }),
    neighbour: built("1.1.0", 700),
    neighbourWanted: built("2.1.0", 1_300),
  };
}

function otherSlot(
  kind: OtherSlot,
  { wanted, third, slotBytes }: { wanted: Buffer; third: Buffer; slotBytes: number },
): Buffer | undefined {
  if (kind.startsWith("wanted")) return wanted;
  if (isThird(kind)) return third;
  const contents: Partial<Record<OtherSlot, Buffer>> = {
    older: built("0.5.0", 1_500),
    newer: built("3.0.0", 1_200),
    torn: wanted.subarray(0, Math.floor(wanted.length * 0.6)),
    garbage: built("7.7.7", slotBytes).subarray(40, 40 + slotBytes - 2 * PAGE_BYTES),
  };
  return contents[kind];
}
